# A vote of a former life
#
# n1 votes for n2, and loses its memory before the vote arrives. In its new life it knows nothing of the vote,
# and among five replicas it might help the old leader to commit something that n2 has never seen (Michael and
# others, DISC 2017). It asks everybody what it should know, and so n2 learns of the new life. Then the vote
# arrives. A vote names the life of its voter: this one does not count.

hold arrive n0->*
hold timer n0 suspect
run until n2 is candidate
    n1 suspect timer: suspected 0, probed 1, now probing
    n0 <- n1 probe view=1 end=0.0
    n2 <- n1 probe view=1 end=0.0
    n2 suspect timer: suspected 0, probed 2, now probing
    n0 <- n2 probe view=2 end=0.0
    n1 <- n2 probe view=2 end=0.0: granted 2
    n2 <- n1 grant view=2
    n2: fenced 2, joined 2, now candidate
hold deliver n1->n2
hold deliver n2->n0
run until possible deliver n1->n2 joined
    n1 <- n2 vote view=2 attempt=0 end=0.0
    n1: fenced 2, joined 2, now follower
crash n1
restart n1
    n1 (incarnation 1): amnesia 1, now recovering
run until possible deliver n1->n2 recover
deliver n1->n2 recover
    n2 <- n1 recover life=1
deliver n1->n2 joined
    n2 <- n1 joined view=2 attempt=0 up to 0
run 100 us
    n0 <- n1 recover life=1: link-down n1
    n1 <- n2 state view=2 end=0 life=1
    n1 <- n0 follow view=0 attempt=1 end=0.0
    n1 <- n0 state view=0 leads end=0 life=1
    n2: link-up n1
expect n2 is candidate
show
    n0 leader, view 0, log empty, stored 0, committed 0
    n1 recovering, view 0, log empty, stored 0, committed 0
    n2 candidate, view 2, log empty, stored 0, committed 0

# n1 hears of view 2, whose leader is missing. So it waits. n0, which still leads view 0, gives n2 its vote.
release deliver n1->n2
release deliver n2->n0
run until n2 leads view 2
    n0 <- n2 vote view=2 attempt=0 end=0.0: now follower
    n0 <- n2 vote view=2 attempt=0 end=0.0
    n0: fenced 2, joined 2
    n2 <- n0 joined view=2 attempt=0 up to 0: elected 2, appended 1, now leader
release everything
run until n1 is follower
    n0 <- n1 recover life=1 (4 times)
    n2 <- n1 recover life=1 (4 times)
    n1 <- n0 state view=2 end=0 life=1
    n1 <- n2 state view=2 leads end=1 life=1 (4 times)
    n2: link-up n0
    n0: accepted 1
    n2: committed 1, applied 1
    n1 <- n0 state view=2 end=1 life=1 (3 times)
    n2 gives up waiting for n1: write 40B n1 log bytes
    n2 is told of its write 40B n1 log bytes: retryExceeded: link-down n1
    n2 is told of its write 8B n1 cells cells[2].connection: flushed (3 times)
    n1 <- n2 follow view=2 attempt=1 end=2.1
    n1: fenced 2, joined 2
    n2 <- n1 joined view=2 attempt=1 up to 0
    n2: link-up n1
    n1: accepted 1, recovered 2, now follower
heal
quietly run until converged
show
    n0 follower, view 2, log 1-1 (last of view 2), stored 1, committed 0
    n1 follower, view 2, log 1-1 (last of view 2), stored 1, committed 0
    n2 leader, view 2, log 1-1 (last of view 2), stored 1, committed 1
