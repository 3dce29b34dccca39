/* Random and mutated streams for an agent: frames of the SmolVM control channel, or with -DHTTP requests of envd's protocol.
 *
 *   client SOCKET ping
 *   client SOCKET COUNT SEED FIRST
 *
 * Stream n depends on SEED and n alone, so that `client SOCKET 1 SEED n` repeats one. Many are in
 * flight at a time. Exits with 0 when all were delivered, 1 when the agent is gone or hangs; then
 * the streams in flight are named.
 *
 * The seeds are harmless when they are executed for real, and so are commands a few bits away from
 * them; the agent is nevertheless to run as a user who may do nothing (see fuzz.sh). */

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifdef HTTP
#include "http.h"
#else
#include "frames.h"
#endif

enum { LANES = 48, PATIENCE_MS = 20, HANG_MS = 30000 };

/* --- delivery -------------------------------------------------------------------------------- */

typedef enum { HALF_CLOSE, WAIT, ABORT, DEAF, ENDINGS } Ending;

typedef struct {
	int fd; /* -1 where the lane is free */
	uint64_t number;
	Stream stream;
	size_t sent;
	size_t cut; /* bytes to send before the next pause */
	int64_t resume; /* when the pause ends */
	int64_t patience; /* when to hang up */
	Ending ending;
	int ended; /* no more is sent */
	Random random;
} Lane;

static Lane lanes[LANES];
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static uint64_t seed;

static int64_t now_ms(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void fail(const char *why) {
	fprintf(stderr, "fuzz: %s; in flight of seed %llu:", why, (unsigned long long)seed);
	for (int i = 0; i < LANES; i++)
		if (lanes[i].fd >= 0) fprintf(stderr, " %llu", (unsigned long long)lanes[i].number);
	fprintf(stderr, "\n");
	exit(1);
}

static int open_connection(int flags) {
	int fd = socket(AF_UNIX, SOCK_STREAM | flags, 0);
	if (fd < 0) { perror("socket"); exit(1); }
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* 0 when the backlog is full and the stream is to be begun later. */
static int begin(Lane *lane, uint64_t number, int64_t now) {
	lane->fd = open_connection(SOCK_NONBLOCK);
	if (lane->fd < 0) {
		if (errno == EAGAIN) return 0;
		fail(strerror(errno));
	}
	lane->number = number;
	lane->random.state = mix(seed) ^ mix(number * 2 + 1);
	build(&lane->stream, &lane->random);
	lane->sent = 0;
	lane->ended = 0;
	lane->ending = below(&lane->random, ENDINGS * 2);
	if (lane->ending >= ENDINGS) lane->ending = HALF_CLOSE;
	lane->cut = below(&lane->random, 3) ? lane->stream.length : below(&lane->random, lane->stream.length + 1);
	lane->resume = now;
	lane->patience = INT64_MAX;
	return 1;
}

static void finish(Lane *lane) {
	close(lane->fd);
	lane->fd = -1;
}

/* Sends what it may. */
static void send_more(Lane *lane, int64_t now) {
	while (lane->sent < lane->stream.length) {
		if (lane->sent == lane->cut) { /* pause */
			lane->resume = now + (int64_t)below(&lane->random, 4);
			lane->cut += 1 + below(&lane->random, lane->stream.length - lane->sent);
			if (lane->resume > now) return;
		}
		ssize_t n = send(lane->fd, lane->stream.bytes + lane->sent, lane->cut - lane->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) {
			if (lane->patience == INT64_MAX) lane->patience = now + PATIENCE_MS;
			return;
		}
		if (n < 0) break; /* the agent has closed; its reply may still be there */
		lane->sent += n;
	}
	lane->ended = 1;
	switch (lane->ending) {
	case HALF_CLOSE: shutdown(lane->fd, SHUT_WR); lane->patience = now + 50 * PATIENCE_MS; break;
	case ABORT: finish(lane); break;
	default: lane->patience = now + PATIENCE_MS;
	}
}

static void receive(Lane *lane) {
	static uint8_t sink[65536];
	ssize_t n = recv(lane->fd, sink, sizeof sink, MSG_DONTWAIT);
	if (n > 0 || (n < 0 && errno == EAGAIN)) return;
	finish(lane);
}

static void run(uint64_t count, uint64_t first) {
	uint64_t begun = 0, done = 0;
	int64_t last_progress = now_ms(), start = last_progress, shown = start;
	while (done < count) {
		struct pollfd fds[LANES];
		int64_t now = now_ms();
		for (int i = 0; i < LANES; i++) {
			Lane *lane = &lanes[i];
			if (lane->fd < 0 && begun < count && begin(lane, first + begun, now)) begun++;
			fds[i].fd = lane->fd;
			fds[i].events = 0;
			if (lane->fd < 0) continue;
			if (!lane->ended && now >= lane->resume) fds[i].events |= POLLOUT;
			if (lane->ending != DEAF) fds[i].events |= POLLIN;
		}
		if (poll(fds, LANES, 1) < 0 && errno != EINTR) fail("poll");
		now = now_ms();
		for (int i = 0; i < LANES; i++) {
			Lane *lane = &lanes[i];
			if (lane->fd < 0) continue;
			if (fds[i].revents & POLLOUT) send_more(lane, now);
			if (lane->fd >= 0 && fds[i].revents & (POLLIN | POLLHUP | POLLERR)) receive(lane);
			if (lane->fd >= 0 && now >= lane->patience) finish(lane);
			if (lane->fd < 0) { done++; last_progress = now; }
		}
		if (now - last_progress > HANG_MS) fail("the agent hangs");
		if (isatty(2) && now - shown > 1000) {
			shown = now;
			fprintf(stderr, "\r%llu of %llu, %llu/s ", (unsigned long long)done, (unsigned long long)count, (unsigned long long)(done * 1000 / (uint64_t)(now - start)));
		}
	}
	fprintf(stderr, "%s%llu streams in %.1f s\n", isatty(2) ? "\r" : "", (unsigned long long)count, (double)(now_ms() - start) / 1000);
}

/* A valid request, answered. */
static void ping(void) {
	struct timeval limit = {.tv_sec = 10};
	int fd = open_connection(0);
	if (fd < 0) fail(strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	Stream *s = &lanes[0].stream;
	put_ping(s);
	if (send(fd, s->bytes, s->length, MSG_NOSIGNAL) < 0) fail("ping was not taken");
	char reply[4096];
	size_t have = 0;
	for (ssize_t n; have < sizeof reply - 1 && (n = recv(fd, reply + have, sizeof reply - 1 - have, 0)) > 0;) have += n;
	reply[have] = 0;
	if (!is_pong(reply, have)) fail("ping was not answered");
	close(fd);
}

int main(int argc, char **argv) {
	if (argc != 3 && argc != 5) {
		fprintf(stderr, "usage: client SOCKET ping | client SOCKET COUNT SEED FIRST\n");
		return 2;
	}
	if (strlen(argv[1]) >= sizeof address.sun_path) { fprintf(stderr, "fuzz: the socket's path is too long\n"); return 2; }
	strcpy(address.sun_path, argv[1]);
	for (int i = 0; i < LANES; i++) lanes[i].fd = -1;
	if (argc == 3) ping();
	else {
		seed = strtoull(argv[3], NULL, 10);
		run(strtoull(argv[2], NULL, 10), strtoull(argv[4], NULL, 10));
	}
	return 0;
}
