# Two candidates at the same time
#
# n0 is gone. n1 and n2 suspect it in the same moment, probe, and grant each other's probes: a grant is no
# promise. Both go on to a view of their own, n1 to view 1 and n2 to view 2, and both revoke all other access
# first. Each asks the other for its vote. n2, in view 2, cannot go back to 1 and says so; n1 joins view 2. A
# view has one possible leader, so two candidates never win the same one.

crash n0
hold timer *
quietly run 2 ms
fire n1 suspect
    n1 suspect timer: suspected 0, probed 1, now probing
fire n2 suspect
    n2 suspect timer: suspected 0, probed 2, now probing
run until n1 is candidate and n2 is candidate
    n2 <- n1 probe view=1 end=0.0: granted 1
    n1 <- n2 probe view=2 end=0.0: granted 2
    n1 <- n2 grant view=1
    n2 <- n1 grant view=2
    n1: fenced 1, joined 1, now candidate
    n2: fenced 2, joined 2, now candidate
show
    n0 down
    n1 candidate, view 1, log empty, stored 0, committed 0
    n2 candidate, view 2, log empty, stored 0, committed 0
release timer *
run until n2 leads view 2
    n2 <- n1 vote view=1 attempt=0 end=0.0
    n1 <- n2 vote view=2 attempt=0 end=0.0: now follower
    n1 <- n2 ahead view=2
    n1: fenced 2, joined 2
    n2 <- n1 joined view=2 attempt=0 up to 0: elected 2, appended 1, now leader
client 0 put k0 101
    c0 calls put k0 101
retry c0
    c0 asks again: put k0 101
retry c0
    c0 asks again: put k0 101
run until client 0 answered done
    n1 <- c0 put k0 101: redirected c0
    n2 <- c0 put k0 101: appended 2
    n2: link-up n1
    n1: accepted 1
    n1: accepted 2
    n2: committed 1, applied 1
    n2: committed 2, applied 2, replied c0
    c0 <- done
heal
    n0: amnesia 1, now recovering
quietly run until converged
show
    n0 follower, view 2, log 1-3 (last of view 2), stored 3, committed 2
    n1 follower, view 2, log 1-3 (last of view 2), stored 3, committed 2
    n2 leader, view 2, log 1-3 (last of view 2), stored 3, committed 3
