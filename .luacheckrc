std = "luajit"
max_line_length = 100
self = false -- methods need not use their object
files["tests"] = { max_line_length = 120 }
files["tests/script"] = { read_globals = { "FIXTURES", "FOLDER" } } -- set by the C test
files["lua/meta"] = { max_line_length = false, ignore = { "212", "241", "331" } }
