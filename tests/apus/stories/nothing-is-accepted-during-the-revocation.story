# Nothing is accepted during the revocation
#
# n1 was asked for its vote by n2, and has begun to revoke n0's access. That takes a while: the reset of a
# queue pair races with WRITEs, and an entry of n0 arrives first, whole. n1 does not look at it. What is
# compared when all control calls have returned is the log as it was: n2's is as good, and n1 votes. n1 has
# acknowledged nothing, so n0 has not committed the entry, and it may go. It still lies in n1's memory where
# n2's first entry will be, and names n0 as its sender: n1, which follows n2 now, does not take it.

bites fence-forgotten violates accepted-from-own-leader
bites constant-psn violates accepted-from-own-leader
hold timer *
hold arrive n0->*
fire n1 suspect
    n1 suspect timer: suspected 0, probed 1, now probing
drop n1->n2 probe
    lost: probe view=1 end=0.0
fire n2 suspect
    n2 suspect timer: suspected 0, probed 2, now probing
hold deliver n2->n0
run until n2 is candidate
    n0 <- n1 probe view=1 end=0.0
    n1 <- n2 probe view=2 end=0.0: granted 2
    n2 <- n1 grant view=2
    n2: fenced 2, joined 2, now candidate
hold control n1->*
run until possible control n1->n2
    n1 <- n2 vote view=2 attempt=0 end=0.0
hold arrive n0->n2
client 0 put k0 101
    c0 calls put k0 101
release arrive n0->*
run 20 us
    n0 <- c0 put k0 101: appended 1
show
    n0 leader, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n1 probing, view 0, log empty, stored 0, committed 0
    n2 candidate, view 2, log empty, stored 0, committed 0
expect not client 0 answered
expect not possible place n0->n1
release control n1->*
run until n1 notes joined 2
    n1: fenced 2, joined 2, now follower
run 5 us
    n2 <- n1 joined view=2 attempt=0 up to 0: elected 2, appended 1, now leader
expect end exactly 0 at n1
run until n2 leads view 2
show
    n0 leader, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n1 follower, view 2, log empty, stored 0, committed 0
    n2 leader, view 2, log 1-1 (last of view 2), stored 1, committed 0

# n0 learns of view 2 and joins it. Its entry is replaced, and its client asks again.
release everything
run until client 0 answered done
    n0 <- n2 vote view=2 attempt=0 end=0.0: refused 2
    n0 <- n2 probe view=2 end=0.0
    n0 <- n2 follow view=2 attempt=0 end=2.1: now follower
    n2: link-up n1
    n1: accepted 1
    n2: committed 1, applied 1
    n0: fenced 2, joined 2
    n2 <- n0 joined view=2 attempt=0 up to 0
    n2: link-up n0
    n0: accepted 1, replaced 1
    c0 asks again: put k0 101 (2 times)
    n1 <- c0 put k0 101: redirected c0
    n2 <- c0 put k0 101: appended 2
    n0 n1: accepted 2, committed 1, applied 1
    n2: committed 2, applied 2, replied c0
    c0 <- done
heal
quietly run until converged
show
    n0 follower, view 2, log 1-3 (last of view 2), stored 3, committed 2
    n1 follower, view 2, log 1-3 (last of view 2), stored 3, committed 2
    n2 leader, view 2, log 1-3 (last of view 2), stored 3, committed 2
