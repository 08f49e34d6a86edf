/* lock.c - one host a store: an advisory lock on a file beside the database. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inner.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* The number of the process that wrote the lock file, 0 when it does not say. */
static long read_owner(int fd)
{
    char text[32] = {0};
    if (pread(fd, text, sizeof text - 1, 0) <= 0)
        return 0;
    return strtol(text, NULL, 10);
}

/* The number is for people only; the lock itself is the kernel's and ends with us. */
static asy_err write_owner(int fd, const char *path)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) != len)
        return asy_fail(ASY_EIO, "%s: %s", path, strerror(errno));
    return ASY_OK;
}

static asy_err refuse(int fd, const char *path)
{
    long owner = read_owner(fd);
    if (owner > 0)
        return asy_fail(ASY_EIO,
                        "%s: the store is in use by process %ld; stop it, or choose "
                        "another folder",
                        path, owner);
    return asy_fail(ASY_EIO, "%s: the store is in use by another process", path);
}

asy_err asy_lock_take(const char *path, int *fd)
{
    *fd = -1;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return asy_fail(ASY_EIO, "%s: %s; a host must be able to write here", path,
                        strerror(errno));
    asy_err err = ASY_OK;
    if (flock(file, LOCK_EX | LOCK_NB) < 0)
        err = errno == EWOULDBLOCK ? refuse(file, path)
                                   : asy_fail(ASY_EIO, "%s: %s", path, strerror(errno));
    else
        err = write_owner(file, path);
    if (err)
        close(file);
    else
        *fd = file;
    return err;
}
