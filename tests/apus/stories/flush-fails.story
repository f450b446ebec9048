# A flush fails, and is not repeated
#
# A flush that fails has dropped what it should have stored: a second one that succeeds says nothing about it.
# n1 appends the record anew and flushes that; only then does it acknowledge. So when the power goes, what
# made a majority is there.

durability disk
bites failed-flush-retried violates linearizable
crash n2
client 0 put k0 101
    c0 calls put k0 101
run until possible fail-flush n1 1 pending
    n0 <- c0 put k0 101: appended 1
    n1: accepted 1
fail-flush n1
    n1: disk-failed (diskFailed)
run until client 0 answered done
    n0 n1: stored 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
power loss
    n1 (the unflushed tail is lost)
restart n0
    n0 (incarnation 1): now follower
restart n1
    n1 (incarnation 1)
show
    n0 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n1 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n2 down
heal
client 0 get k0
    c0 calls get k0
run until client 0 answered value 101
    n0 <- c0 get k0: redirected c0
    n0 n1: stored 1, joined 0
    n2: stored 0, joined 0
    n0 suspect timer: suspected 0, probed 3, now probing
    n1 <- n0 probe view=3 end=0.1
    n2 <- n0 probe view=3 end=0.1
    n1 suspect timer: suspected 0, probed 1, now probing
    n0 <- n1 probe view=1 end=0.1: granted 1
    n2 <- n1 probe view=1 end=0.1
    n1 <- n0 grant view=1: fenced 1, now candidate
    n1: stored 1, joined 1
    n0 <- n1 vote view=1 attempt=0 end=0.1
    n2 <- n1 vote view=1 attempt=0 end=0.1
    n0: fenced 1, now follower
    n2: fenced 1
    n0: stored 1, joined 1
    n2: stored 0, joined 1
    n1 <- n0 joined view=1 attempt=0 up to 0: elected 1, appended 2, now leader
    n1 <- n2 joined view=1 attempt=0 up to 0 (2 times)
    n2 <- n1 follow view=1 attempt=0 end=1.2
    n1: stored 2
    n1: link-up n0
    n1: link-up n2
    n0 n2: accepted 1
    n0 n2: accepted 2
    n2: stored 1
    n0: stored 2
    n1: committed 2, applied 1, replied c0, applied 2
    c0 <- done (stale)
    n2: stored 2
    n1 beat timer: appended 3
    n0 n2: accepted 3, committed 2, applied 1, applied 2
    n1 n0 n2: stored 3
    n1: committed 3, applied 3
    c0 asks again: get k0
    n1: read-confirmed 1, replied c0
    c0 <- value 101
quietly run until converged
