/* file.c - whole files and folders. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

enum { PIECE = 256 * 1024 };

static asy_err cannot(const char *what, const char *path)
{
    return asy_fail(errno == ENOMEM ? ASY_ENOMEM : ASY_EIO, "cannot %s %s: %s", what,
                    path, strerror(errno));
}

/* Reads pipes as well as files, so the size is only known at the end. */
static asy_err read_all(int fd, const char *path, size_t limit, asy_buf *out)
{
    for (;;) {
        ssize_t n = read(fd, asy_buf_reserve(out, PIECE), PIECE);
        if (n == 0)
            return ASY_OK;
        if (n < 0 && errno != EINTR)
            return cannot("read", path);
        if (n > 0)
            out->len += (size_t)n;
        if (out->len > limit)
            return asy_fail(ASY_EARG, "%s is too large: more than %zu bytes", path,
                            limit);
    }
}

asy_err asy_file_read(const char *path, size_t limit, asy_buf *out)
{
    asy_buf_clear(out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cannot("open", path);
    asy_err err = read_all(fd, path, limit, out);
    close(fd);
    if (err)
        asy_buf_fini(out);
    else
        asy_buf_reserve(out, 0)[0] = '\0';
    return err;
}

static asy_err write_all(int fd, const char *path, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR)
            return cannot("write", path);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
    return fsync(fd) ? cannot("sync", path) : ASY_OK;
}

/* A rename is durable once the folder is. Some file systems cannot sync folders; then
 * there is nothing more to do. */
static void sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder =
        slash ? asy_strndup(path, (size_t)(slash - path) + 1) : asy_strdup(".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    asy_free(folder);
}

/* mkstemp() makes files for the owner only; ours get the usual mode. */
static mode_t usual_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static asy_err write_new(const char *path, const void *bytes, size_t len,
                         bool is_secret)
{
    asy_buf name = {0};
    asy_buf_printf(&name, "%s.new-XXXXXX", path);
    int fd = mkostemp(name.data, O_CLOEXEC);
    if (fd < 0) {
        asy_buf_fini(&name);
        return cannot("create", path);
    }
    if (!is_secret)
        (void)fchmod(fd, usual_mode());
    asy_err err = write_all(fd, path, bytes, len);
    if (close(fd) && !err)
        err = cannot("write", path);
    if (!err && rename(name.data, path))
        err = cannot("rename to", path);
    if (err)
        (void)unlink(name.data);
    else
        sync_folder_of(path);
    asy_buf_fini(&name);
    return err;
}

asy_err asy_file_write(const char *path, const void *bytes, size_t len)
{
    return write_new(path, bytes, len, false);
}

asy_err asy_file_write_secret(const char *path, const void *bytes, size_t len)
{
    return write_new(path, bytes, len, true);
}

static asy_err map_descriptor(int fd, const char *path, asy_map *out)
{
    struct stat about;
    if (fstat(fd, &about))
        return cannot("look at", path);
    if (!S_ISREG(about.st_mode))
        return asy_fail(ASY_EIO, "cannot map %s: it is not a plain file", path);
    if (about.st_size == 0)
        return ASY_OK;
    void *p = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return cannot("map", path);
    *out = (asy_map){.bytes = p, .len = (size_t)about.st_size};
    return ASY_OK;
}

asy_err asy_map_open(const char *path, asy_map *out)
{
    *out = (asy_map){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cannot("open", path);
    asy_err err = map_descriptor(fd, path, out);
    close(fd);
    return err;
}

void asy_map_close(asy_map *m)
{
    if (m->bytes)
        munmap((void *)(uintptr_t)m->bytes, m->len);
    *m = (asy_map){0};
}

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static asy_err make_one(const char *path)
{
    if (mkdir(path, 0700) == 0 || (errno == EEXIST && is_folder(path)))
        return ASY_OK;
    if (errno == EEXIST)
        errno = ENOTDIR;
    return cannot("make folder", path);
}

asy_err asy_dir_make(const char *path)
{
    if (*path == '\0')
        return asy_fail(ASY_EARG, "a folder name is expected, got an empty text");
    if (is_folder(path))
        return ASY_OK;
    char *part = asy_strdup(path);
    asy_err err = ASY_OK;
    for (char *p = part + 1; *p && !err; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        err = make_one(part);
        *p = '/';
    }
    if (!err)
        err = make_one(path);
    asy_free(part);
    return err;
}

bool asy_file_exists(const char *path) { return access(path, F_OK) == 0; }

char *asy_path_join(const char *folder, const char *name)
{
    size_t len = strlen(folder);
    asy_buf b = {0};
    asy_buf_printf(&b, "%s%s%s", folder, len && folder[len - 1] != '/' ? "/" : "",
                   name);
    return asy_buf_take(&b);
}
