# A disk runs full
#
# Every flush of n1's disk fails. What a failed flush should have stored is void, so n1 appends it anew each
# time, until nothing more goes on the disk. From then on n1 is as good as down: it follows, accepts, and
# never acknowledges. The other two go on.

durability disk
client 0 put k0 101
    c0 calls put k0 101
hold flush n1
run until client 0 answered done
    n0 <- c0 put k0 101: appended 1
    n1 n2: accepted 1
    n0 n2: stored 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
run until possible fail-flush n1
fail-flush n1 x30
    n1: disk-failed (diskFailed) (30 times)
show
    n0 leader, view 0, log 1-1 (last of view 0), stored 1, committed 1
    n1 follower, view 0, log 1-1 (last of view 0), stored 0, committed 0
    n2 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0
release flush n1
client 0 put k0 102
    c0 calls put k0 102
run until client 0 answered done
    n0 <- c0 put k0 102: appended 2
    n1 n2: accepted 2, committed 1, applied 1
    n0 n2: stored 2
    n1: disk-failed (diskFull)
    n0: committed 2, applied 2, replied c0
    c0 <- done
run 2 ms
    n0 beat timer: appended 3
    n1 n2: accepted 3, committed 2, applied 2
    n0 n2: stored 3
    n0: committed 3, applied 3
    n0 beat timer: resent n1 (2 times)
show
    n0 leader, view 0, log 1-3 (last of view 0), stored 3, committed 3
    n1 follower, view 0, log 1-3 (last of view 0), stored 0, committed 2
    n2 follower, view 0, log 1-3 (last of view 0), stored 3, committed 2

# A loss of power takes with it what no flush has made durable, and the disk has room again. n1 has never
# acknowledged anything of it, so nothing is missing: it goes on as a follower that is behind.
crash n1
    n1 (the unflushed tail is lost)
restart n1
    n1 (incarnation 1)
run 5 ms
    n1: stored 0, joined 0
    n0 gives up waiting for n1: write 56B n1 log bytes
    n0 is told of its write 56B n1 log bytes: retryExceeded: link-down n1
    n0 is told of its write 56B n1 log bytes+56: flushed
    n0 is told of its write 40B n1 log bytes+112: flushed
    n0 is told of its write 8B n1 cells cells[0].connection: flushed (3 times)
    n1 <- n0 follow view=0 attempt=1 end=0.3
    n1: fenced 0
    n0 <- n1 joined view=0 attempt=1 up to 0
    n0: link-up n1
    n1: accepted 1
    n1: accepted 2, committed 1, applied 1
    n1: accepted 3, committed 2, applied 2
    n1: stored 1
    n1: stored 3
show
    n0 leader, view 0, log 1-3 (last of view 0), stored 3, committed 3
    n1 follower, view 0, log 1-3 (last of view 0), stored 3, committed 2
    n2 follower, view 0, log 1-3 (last of view 0), stored 3, committed 2
