/* canary.c - is the network library still alive? */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/canary.h"
#include <fcntl.h>
#include <netdb.h>
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "net/wait.h"

/* --- listener ------------------------------------------------------------- */

/* The greeting of each side names its protocol: 0x30 asks, 0x31 answers. */
static const uint8_t our_greeting[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
static const uint8_t their_greeting[8] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
/* A message of four bytes: the number of the request, which its answer repeats. */
static const uint8_t empty_request[12] = {0, 0, 0, 0, 0, 0, 0, 4, 0x80, 0, 0, 1};

static bool wait_for(int fd, short what, uint64_t deadline)
{
    uint64_t now = asy_now_ms();
    struct pollfd p = {.fd = fd, .events = what};
    return now < deadline && poll(&p, 1, (int)(deadline - now)) == 1 &&
           p.revents & what;
}

static int connect_to(const char *name, uint16_t port, uint64_t deadline)
{
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    if (getaddrinfo(name, service, &hints, &list))
        return -1;
    int fd = -1;
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int error = 0;
        socklen_t size = sizeof error;
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0 &&
            (!wait_for(fd, POLLOUT, deadline) ||
             getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) || error)) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

static bool send_all(int fd, const void *bytes, size_t len)
{
    return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool read_all(int fd, uint8_t *out, size_t len, uint64_t deadline)
{
    size_t have = 0;
    while (have < len && wait_for(fd, POLLIN, deadline)) {
        ssize_t n = recv(fd, out + have, len - have, 0);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    return have == len;
}

/* A listener that accepts nobody still greets: only an answer proves that a connection
 * reaches the socket. An empty request is answered with REJECT right in listen.c. We
 * greet first, since a connection that ends before its greeting is what kills a
 * listener. */
bool asy_canary_port(const char *name, uint16_t port, uint32_t wait_ms)
{
    uint64_t deadline = asy_now_ms() + wait_ms;
    int fd = connect_to(name, port, deadline);
    if (fd < 0)
        return false;
    uint8_t greeting[sizeof their_greeting], answer[sizeof empty_request];
    bool is_alive = send_all(fd, our_greeting, sizeof our_greeting) &&
                    read_all(fd, greeting, sizeof greeting, deadline) &&
                    memcmp(greeting, their_greeting, sizeof greeting) == 0 &&
                    send_all(fd, empty_request, sizeof empty_request) &&
                    read_all(fd, answer, sizeof answer, deadline) &&
                    memcmp(answer + 8, empty_request + 8, 4) == 0;
    close(fd);
    return is_alive;
}

/* --- reaper --------------------------------------------------------------- */

/* Shared by the canary and whoever waits for it; the last one out frees it. */
typedef struct bird {
    pthread_mutex_t lock;
    pthread_cond_t sings;
    bool has_sung;
    int users;
} bird;

static void bird_leave(bird *b)
{
    pthread_mutex_lock(&b->lock);
    int left = --b->users;
    pthread_mutex_unlock(&b->lock);
    if (left > 0)
        return;
    pthread_cond_destroy(&b->sings);
    pthread_mutex_destroy(&b->lock);
    asy_free(b);
}

/* nng_close waits for the reaper, so that both closes end only while it lives. */
static void *bird_main(void *arg)
{
    bird *b = arg;
    char url[64]; /* a lost bird keeps its memory, so that no two share a name */
    snprintf(url, sizeof url, "inproc://assay-canary-%p", arg);
    nng_socket one = NNG_SOCKET_INITIALIZER, two = NNG_SOCKET_INITIALIZER;
    bool is_well = nng_pair0_open(&one) == 0 && nng_pair0_open(&two) == 0 &&
                   nng_listen(one, url, NULL, 0) == 0 &&
                   nng_dial(two, url, NULL, 0) == 0;
    nng_close(one);
    nng_close(two);
    pthread_mutex_lock(&b->lock);
    b->has_sung = is_well;
    pthread_cond_signal(&b->sings);
    pthread_mutex_unlock(&b->lock);
    bird_leave(b);
    return NULL;
}

static bird *bird_new(void)
{
    bird *b = asy_alloc(1, sizeof *b);
    asy_wait_init(&b->sings);
    pthread_mutex_init(&b->lock, NULL);
    b->users = 2;
    return b;
}

bool asy_canary_reaper(uint32_t wait_ms)
{
    bird *b = bird_new();
    pthread_t thread;
    if (pthread_create(&thread, NULL, bird_main, b) != 0) {
        b->users = 1;
        bird_leave(b);
        return true; /* no thread to be had says nothing about the reaper */
    }
    pthread_detach(thread);
    struct timespec deadline = asy_wait_deadline(wait_ms);
    pthread_mutex_lock(&b->lock);
    int code = 0;
    while (!b->has_sung && code == 0)
        code = pthread_cond_timedwait(&b->sings, &b->lock, &deadline);
    bool is_alive = b->has_sung;
    pthread_mutex_unlock(&b->lock);
    bird_leave(b);
    return is_alive;
}
