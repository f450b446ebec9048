# A deposed leader returns with an entry of its own
#
# n0 is cut off while a request is in its hands. It appends it and can commit nothing. n1 and n2 elect n2,
# which commits an entry at the same index. When the links are back n0 learns of the later view, joins it, and
# its entries are replaced: indices 1 and 2 belong to view 2. No request is lost, for clients ask again.

bites conflict-kept violates accepted-from-own-leader
cut n0 n1
cut n0 n2
hold timer n0 suspect
hold retry c0
client 0 put k0 101
    c0 calls put k0 101
run until end 1 at n0
    n0 <- c0 put k0 101: appended 1
run until n2 leads view 2
    n0 gives up waiting for n1: write 56B n1 log bytes
    n0 gives up waiting for n2: write 56B n2 log bytes
    n0 is told of its write 56B n1 log bytes: retryExceeded: link-down n1
    n0 is told of its write 56B n2 log bytes: retryExceeded: link-down n2
    n0 is told of its write 8B n1 cells cells[0].connection: flushed (2 times)
    n0 is told of its write 8B n2 cells cells[0].connection: flushed (2 times)
    n1 suspect timer: suspected 0, probed 1, now probing
    n2 <- n1 probe view=1 end=0.0
    n2 suspect timer: suspected 0, probed 2, now probing
    n1 <- n2 probe view=2 end=0.0: granted 2
    n2 <- n1 grant view=2
    n2: fenced 2, joined 2, now candidate
    n1 <- n2 vote view=2 attempt=0 end=0.0
    n1: fenced 2, joined 2, now follower
    n2 <- n1 joined view=2 attempt=0 up to 0: elected 2, appended 1, now leader
client 1 put k0 201
    c1 calls put k0 201
retry c1
    c1 asks again: put k0 201
retry c1
    c1 asks again: put k0 201
run until client 1 answered done
    n0 <- c1 put k0 201: appended 2
    n1 <- c1 put k0 201: redirected c1
    n2 <- c1 put k0 201: appended 2
    n2: link-up n1
    n1: accepted 1
    n1: accepted 2
    n2: committed 1, applied 1
    n2: committed 2, applied 2, replied c1
    c1 <- done
show
    n0 leader, view 0, log 1-2 (last of view 0), stored 2, committed 0
    n1 follower, view 2, log 1-2 (last of view 2), stored 2, committed 0
    n2 leader, view 2, log 1-2 (last of view 2), stored 2, committed 2

# Every 3 heartbeats a leader looks whether a majority still answers. n0 steps down by itself.
release timer n0 suspect
run until n0 is probing
    n2 beat timer: appended 3
    n1: accepted 3, committed 2, applied 1, applied 2
    n2: committed 3, applied 3
    n0 suspect timer: stepped-down 0, suspected 0, probed 3, now probing
heal n0 n1
heal n0 n2
run until applied 2 at n0
    n1 <- n0 probe view=3 end=0.2
    n1 <- n0 follow view=0 attempt=1 end=0.1 (3 times)
    n1 <- n0 follow view=0 attempt=1 end=0.2 (6 times)
    n0 <- n1 probe view=1 end=0.0
    n2 <- n0 probe view=3 end=0.2
    n2 <- n0 follow view=0 attempt=1 end=0.1 (3 times)
    n2 <- n0 follow view=0 attempt=1 end=0.2 (6 times)
    n0 <- n2 vote view=2 attempt=0 end=0.0: refused 2
    n0 <- n2 probe view=2 end=0.0
    n0 <- n2 follow view=2 attempt=0 end=2.1
    n0 <- n2 follow view=2 attempt=0 end=2.2
    n0 <- n2 follow view=2 attempt=0 end=2.3 (5 times)
    n0 <- n1 ahead view=2 (9 times)
    n0 <- n2 ahead view=2 (9 times)
    n0: fenced 2, joined 2, now follower
    n2 <- n0 joined view=2 attempt=0 up to 0
    n2: link-up n0
    n0: accepted 1, replaced 1
    n0: accepted 2
    n0: accepted 3, committed 2, applied 1, applied 2
show
    n0 follower, view 2, log 1-3 (last of view 2), stored 3, committed 2
    n1 follower, view 2, log 1-3 (last of view 2), stored 3, committed 2
    n2 leader, view 2, log 1-3 (last of view 2), stored 3, committed 3
release retry c0
run until client 0 answered done
    c0 asks again: put k0 101 (2 times)
    n1 <- c0 put k0 101: redirected c0
    n2 <- c0 put k0 101: appended 4
    n0 n1: accepted 4, committed 3, applied 3
    n2: committed 4, applied 4, replied c0
    c0 <- done
heal
run until converged
    n2 beat timer: recycled 0, appended 5
    n0 n1: accepted 5, committed 4, applied 4, recycled 0
