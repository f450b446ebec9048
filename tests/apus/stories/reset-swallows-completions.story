# A reset swallows completions
#
# n0 has WRITEs in its send queues whose completions are on their way. It learns of a later view and joins it,
# which resets its queue pairs: what was posted on them never completes, neither well nor badly. n0 does not
# wait for that. It counts what is posted on a queue pair from zero when it is connected again, and serves the
# new leader.

hold complete n0->*
client 0 put k0 101
    c0 calls put k0 101
run until client 0 answered done
    n0 <- c0 put k0 101: appended 1
    n1 n2: accepted 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
expect possible complete n0->n1 and possible complete n0->n2
hold arrive n0->*
hold timer n0 suspect
run until n2 leads view 2
    n0 beat timer: appended 2
    n1 suspect timer: suspected 0, probed 1, now probing
    n0 <- n1 probe view=1 end=0.1
    n2 <- n1 probe view=1 end=0.1
    n2 suspect timer: suspected 0, probed 2, now probing
    n0 <- n2 probe view=2 end=0.1
    n1 <- n2 probe view=2 end=0.1: granted 2
    n2 <- n1 grant view=2
    n2: fenced 2, joined 2, now candidate
    n0 <- n2 vote view=2 attempt=0 end=0.1: refused 2
    n1 <- n2 vote view=2 attempt=0 end=0.1
    n1: fenced 2, joined 2, now follower
    n2 <- n1 joined view=2 attempt=0 up to 0: elected 2, appended 2, now leader
run until n0 notes joined 2
    n0 <- n2 follow view=2 attempt=0 end=2.2: now follower
    n2: link-up n1
    n1: accepted 1
    n1: accepted 2
    n2: committed 2, applied 1, replied c0, applied 2
    n0: fenced 2, joined 2
expect not possible complete n0->n1
expect not possible complete n0->n2
release everything
client 0 put k0 102
    c0 calls put k0 102
retry c0
    c0 asks again: put k0 102
retry c0
    c0 asks again: put k0 102
run until client 0 answered done
    c0 <- done (stale)
    n2 <- n0 joined view=2 attempt=0 up to 1
    n0 <- c0 put k0 102: redirected c0
    n1 <- c0 put k0 102: redirected c0
    n2 <- c0 put k0 102: appended 3
    n1: accepted 3, committed 2, applied 1, applied 2
    n2: committed 3, applied 3, replied c0
    c0 <- done
run until applied 3 at n0
    n2: link-up n0
    n0: accepted 2, replaced 2
    n0: accepted 3, committed 2, applied 2
    n2 beat timer: appended 4
    n0: accepted 4, committed 3, applied 3
show
    n0 follower, view 2, log 1-4 (last of view 2), stored 4, committed 3
    n1 follower, view 2, log 1-3 (last of view 2), stored 3, committed 2
    n2 leader, view 2, log 1-4 (last of view 2), stored 4, committed 3
heal
quietly run until converged
