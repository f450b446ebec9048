# Power loss of all, in disk mode
#
# An acknowledgement stands for a flush that has returned. The first put is stored by all. The second is
# appended at n0 and n1, and no flush has returned when the power goes everywhere. n0's disk keeps what was in
# its cache; n1's has half a record of it. A record is appended twice under one flush, so that a torn tail can
# be told from rot: n1 cuts it off and remembers everything else.

durability disk
bites flush-not-awaited violates linearizable
client 0 put k0 101
    c0 calls put k0 101
run until client 0 answered done
    n0 <- c0 put k0 101: appended 1
    n1 n2: accepted 1
    n0 n1 n2: stored 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
quietly run until stored 2 at n0 n1 n2
client 0 put k0 102
    c0 calls put k0 102
hold flush *
hold arrive n0->n2
run until n1 notes accepted 3
    n0: committed 2, applied 2
    n0 <- c0 put k0 102: appended 3
    n1: accepted 3, committed 2, applied 2
run 20 us
show
    n0 leader, view 0, log 1-3 (last of view 0), stored 2, committed 2
    n1 follower, view 0, log 1-3 (last of view 0), stored 2, committed 2
    n2 follower, view 0, log 1-2 (last of view 0), stored 2, committed 1
crash n0 the unflushed tail survives
    n0 (the unflushed tail survives)
crash n1 the first unflushed record is torn
    n1 (the first unflushed record is torn, the rest of the tail lost)
crash n2
restart n0
    n0 (incarnation 1): committed 1, applied 1, committed 2, applied 2, now follower
restart n1
    n1 (incarnation 1): committed 1, applied 1
restart n2
    n2 (incarnation 1): committed 1, applied 1
show
    n0 follower, view 0, log 1-3 (last of view 0), stored 3, committed 2
    n1 follower, view 0, log 1-2 (last of view 0), stored 2, committed 1
    n2 follower, view 0, log 1-2 (last of view 0), stored 2, committed 1

# All of them remember their view and what they have acknowledged, so nobody needs to recover. n0 does not
# vote for n2, whose log is shorter, but n1's vote is enough: the second put was never committed, so it may
# go. n0's copy of it is replaced, and its client asks again.
release everything
hold retry c0
run until n2 leads view 2
    n0: stored 3, joined 0
    n1 n2: stored 2, joined 0
    n0 suspect timer: suspected 0, probed 3, now probing
    n1 <- n0 probe view=3 end=0.3
    n2 <- n0 probe view=3 end=0.3
    n1 suspect timer: suspected 0, probed 1, now probing
    n0 <- n1 probe view=1 end=0.2
    n2 <- n1 probe view=1 end=0.2
    n2 suspect timer: suspected 0, probed 2, now probing
    n0 <- n2 probe view=2 end=0.2
    n1 <- n2 probe view=2 end=0.2: granted 2
    n2 <- n1 grant view=2: fenced 2, now candidate
    n2: stored 2, joined 2
    n0 <- n2 vote view=2 attempt=0 end=0.2: refused 2
    n1 <- n2 vote view=2 attempt=0 end=0.2
    n1: fenced 2, now follower
    n1: stored 2, joined 2
    n2 <- n1 joined view=2 attempt=0 up to 1: elected 2, appended 2, now leader
client 1 get k0
    c1 calls get k0
retry c1
    c1 asks again: get k0
retry c1
    c1 asks again: get k0
run until client 1 answered value 101
    n0 <- n2 follow view=2 attempt=0 end=2.2
    n0 <- c1 get k0: redirected c1
    n1 <- c1 get k0: redirected c1
    n2: stored 2
    n2: link-up n1
    n1: accepted 2, replaced 2
    n0: fenced 2, now follower
    n1: stored 2
    n2: committed 2, applied 2
    n2: read-confirmed 2, replied c1
    n0: stored 3, joined 2
    c1 <- value 101
release retry c0
run until client 0 answered done
    n2 <- n0 joined view=2 attempt=0 up to 2
    n2: link-up n0
    c0 asks again: put k0 102 (2 times)
    n1 <- c0 put k0 102: redirected c0
    n2 <- c0 put k0 102: appended 3
    n0: accepted 3, replaced 3
    n1: accepted 3, committed 2, applied 2
    n2 n0 n1: stored 3
    n2: committed 3, applied 3, replied c0
    c0 <- done
heal
quietly run until converged
show
    n0 follower, view 2, log 1-4 (last of view 2), stored 3, committed 3
    n1 follower, view 2, log 1-4 (last of view 2), stored 3, committed 3
    n2 leader, view 2, log 1-4 (last of view 2), stored 3, committed 3
