# A flushed record rots
#
# Both copies of a record on n1's disk change by themselves while it is down. They were flushed, and with them
# went something that n1 has acknowledged. It must not take them for a torn tail and forget: it is faulty, as
# a replica without memory is, until it has recovered from the others.

durability disk
client 0 put k0 101
    c0 calls put k0 101
quietly run until client 0 answered done and stored 2 at n1
crash n1
rot n1 record 0
    n1 (record 0 changes by itself)
rot n1 record 1
    n1 (record 1 changes by itself)
restart n1
    n1 (incarnation 1): amnesia 1, now recovering
expect n1 is recovering
run until n1 is follower
    n2: stored 2
    n0: committed 2, applied 2
    n0 <- n1 recover life=1: link-down n1
    n2 <- n1 recover life=1 (2 times)
    n1 <- n0 follow view=0 attempt=1 end=0.2 (2 times)
    n1 <- n0 state view=0 leads end=2 life=1 (2 times)
    n1 <- n2 state view=0 end=2 life=1 (2 times)
    late write 8B n0 cells cells[1].connection from n1 lands
    n0 <- n1 recover life=1
    n1: fenced 0
    n1: stored 0, joined 0
    n0 <- n1 joined view=0 attempt=1 up to 0
    n0: link-up n1
    n1: accepted 1
    n1: accepted 2, committed 1, applied 1
    n1: stored 1
    n1: stored 2, recovered 0, now follower
run until stored 2 at n1
heal
quietly run until converged
show
    n0 leader, view 0, log 1-2 (last of view 0), stored 2, committed 2
    n1 follower, view 0, log 1-2 (last of view 0), stored 2, committed 1
    n2 follower, view 0, log 1-2 (last of view 0), stored 2, committed 1
