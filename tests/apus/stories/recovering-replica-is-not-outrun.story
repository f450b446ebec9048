# A recovering replica need not have what its leader appends meanwhile
#
# n1 has lost its memory and asks until it is a member again. n0 answers, goes on serving clients, and answers again:
# its log is longer each time. What n1 may have acknowledged before it lost its memory, n0 had when it first answered.
# So n1 is a member again when it has that, however far n0 is ahead by then. Under load it would never be, if each
# answer counted anew.

client 0 put k0 101
    c0 calls put k0 101
run until client 0 answered done
    n0 <- c0 put k0 101: appended 1
    n1 n2: accepted 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
crash n1
restart n1
    n1 (incarnation 1): amnesia 1, now recovering
hold poll n1
run until n0 notes link-up 1
    n0 <- n1 recover life=1: link-down n1
    n2 <- n1 recover life=1 (2 times)
    n1 <- n0 follow view=0 attempt=1 end=0.1 (2 times)
    n1 <- n0 state view=0 leads end=1 life=1 (2 times)
    n1 <- n2 state view=0 end=1 life=1 (2 times)
    n0 <- n1 recover life=1
    n0 beat timer: appended 2
    n2: accepted 2, committed 1, applied 1
    n0: committed 2, applied 2
    n1: fenced 0, joined 0
    n0 <- n1 joined view=0 attempt=1 up to 0
    n0: link-up n1
run 100 us
    n0 <- n1 recover life=1
    n2 <- n1 recover life=1
    n1 <- n0 state view=0 leads end=2 life=1
    n1 <- n2 state view=0 end=2 life=1

# What n0 writes from now on is under way for long; its answers are not.
hold arrive n0->n1
client 0 put k0 102
    c0 calls put k0 102
run until client 0 answered done
    n0 <- c0 put k0 102: appended 3
    n2: accepted 3, committed 2, applied 2
    n0: committed 3, applied 3, replied c0
    c0 <- done
run 2 ms
    n0 <- n1 recover life=1 (5 times)
    n2 <- n1 recover life=1 (5 times)
    n1 <- n0 state view=0 leads end=3 life=1
    n1 <- n2 state view=0 end=3 life=1
    n0 beat timer: appended 4
    n2: accepted 4, committed 3, applied 3
    n0: committed 4, applied 4
    n1 <- n0 state view=0 leads end=4 life=1 (4 times)
    n1 <- n2 state view=0 end=4 life=1 (4 times)
    n1 suspect timer: suspected 0
release poll n1
run until n1 notes recovered
    n1: accepted 1, recovered 0, now follower
show
    n0 leader, view 0, log 1-4 (last of view 0), stored 4, committed 4
    n1 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n2 follower, view 0, log 1-4 (last of view 0), stored 4, committed 3
expect n1 is follower
release everything
quietly run until converged
