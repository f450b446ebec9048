# Nothing counts before its flush
#
# All three replicas have the entry in memory, and have appended it to their disks. A flush has returned at n2
# only: it acknowledges. The leader's own copy counts as any other, so that is one copy and no majority. When
# n1's flush returns there are two, and the entry is committed without the leader's own.

durability disk
bites own-store-unawaited violates committed-is-stored
client 0 put k0 101
    c0 calls put k0 101
hold flush n0
hold flush n1
run until stored 1 at n2
    n0 <- c0 put k0 101: appended 1
    n1 n2: accepted 1
    n2: stored 1
run 10 us
show
    n0 leader, view 0, log 1-1 (last of view 0), stored 0, committed 0
    n1 follower, view 0, log 1-1 (last of view 0), stored 0, committed 0
    n2 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0
expect committed exactly 0 at n0
flush n1
    n1: stored 1
run until client 0 answered done
    n0: committed 1, applied 1, replied c0
    c0 <- done
show
    n0 leader, view 0, log 1-1 (last of view 0), stored 0, committed 1
    n1 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n2 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0

# Now the power goes everywhere. The leader's copy was never flushed, and is lost; the others have it.
power loss
    n0 (the unflushed tail is lost)
restart n0
    n0 (incarnation 1): now follower
restart n1
    n1 (incarnation 1)
restart n2
    n2 (incarnation 1)
show
    n0 follower, view 0, log empty, stored 0, committed 0
    n1 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n2 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0
release everything
client 0 get k0
    c0 calls get k0
quietly run until client 0 answered value 101
heal
quietly run until converged
show
    n0 follower, view 1, log 1-3 (last of view 1), stored 3, committed 2
    n1 leader, view 1, log 1-3 (last of view 1), stored 3, committed 3
    n2 follower, view 1, log 1-3 (last of view 1), stored 3, committed 2
