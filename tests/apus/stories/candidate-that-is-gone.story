# A recovering replica hears of a view whose candidate is gone
#
# n3 stands for view 3 and n4 for view 4. n1 has lost its memory and asks; n4 tells it of view 4, and is gone
# before anybody votes for it. n3 wins view 3, and a majority with n3 among them is in no later view. So n1 does
# not wait for a leader of view 4: an answer may be left out, as if it had never come.

nodes 5
hold arrive n0->*
hold timer n0 suspect
quietly run until n4 is candidate
hold deliver n4->*
crash n1
restart n1
    n1 (incarnation 1): amnesia 1, now recovering
run until possible deliver n4->n1 state
    n0 <- n1 recover life=1
    n2 <- n1 recover life=1
    n3 <- n1 recover life=1
    n4 <- n1 recover life=1
deliver n4->n1 state
    n1 <- n4 state view=4 end=0 life=1
crash n4
release arrive n0->*
run until n1 notes recovered
    n1 <- n0 state view=0 end=0 life=1
    n1 <- n2 state view=0 end=0 life=1
    n1 <- n3 state view=3 end=0 life=1
    n0: fenced 3, joined 3
    n2: fenced 3, joined 3, now follower
    n3 <- n0 joined view=3 attempt=0 up to 0
    n3 <- n2 joined view=3 attempt=0 up to 0: elected 3, appended 1, now leader
    n1 <- n3 follow view=3 attempt=0 end=3.1 (2 times)
    n3: link-up n0
    n3: link-up n2
    n0 n2: accepted 1
    n3: committed 1, applied 1
    n0 <- n1 recover life=1
    n2 <- n1 recover life=1
    n3 <- n1 recover life=1
    n1 <- n0 state view=3 end=1 life=1
    n1 <- n2 state view=3 end=1 life=1
    n1 <- n3 state view=3 leads end=1 life=1
    n1: fenced 3, joined 3
    n3 <- n1 joined view=3 attempt=0 up to 0
    n3: link-up n1
    n1: accepted 1, recovered 3, now follower
show
    n0 follower, view 3, log 1-1 (last of view 3), stored 1, committed 0
    n1 follower, view 3, log 1-1 (last of view 3), stored 1, committed 0
    n2 follower, view 3, log 1-1 (last of view 3), stored 1, committed 0
    n3 leader, view 3, log 1-1 (last of view 3), stored 1, committed 1
    n4 down
client 0 put k0 101
    c0 calls put k0 101
run until client 0 answered done
    n0 <- c0 put k0 101: redirected c0
    c0 asks again: put k0 101 (3 times)
    n1 <- c0 put k0 101: redirected c0
    n2 <- c0 put k0 101: redirected c0
    n3 <- c0 put k0 101: appended 2
    n0 n1 n2: accepted 2, committed 1, applied 1
    n3: committed 2, applied 2, replied c0
    c0 <- done
run until converged
    n3 beat timer: appended 3
    n0 n1 n2: accepted 3, committed 2, applied 2
