# A packet of an old connection lands on a new one
#
# On this hardware the packets of every connection are numbered from the same number on, as DARE and Mu set
# it. n0 leads view 0. The packet with its first entry for n1 stays in the network, and n0's NIC gives up. n1
# and n2 elect n2, which lays an entry of its own down at the same index, and n0 follows it: the put is
# replaced.

psn constant
bites constant-psn violates accepted-from-own-leader
hold timer *
hold retry c0
hold land n0->*
hold deliver n0->*
hold arrive n0->n2
client 0 put k0 101
    c0 calls put k0 101
sever n0->n1
run until possible expire n0->n1
    n0 <- c0 put k0 101: appended 1
expire n0->n1
    n0 gives up waiting for n1: write 56B n1 log bytes
run until n0 notes link-down 1
    n0 is told of its write 56B n1 log bytes: retryExceeded: link-down n1
mend n0->n1
fire n1 suspect
    n1 suspect timer: suspected 0, probed 1, now probing
run 20 us
    n0 <- n1 probe view=1 end=0.0
    n2 <- n1 probe view=1 end=0.0
fire n2 suspect
    n2 suspect timer: suspected 0, probed 2, now probing
run until n2 leads view 2
    n0 <- n2 probe view=2 end=0.0
    n1 <- n2 probe view=2 end=0.0: granted 2
    n2 <- n1 grant view=2
    n2: fenced 2, joined 2, now candidate
    n0 <- n2 vote view=2 attempt=0 end=0.0: refused 2
    n1 <- n2 vote view=2 attempt=0 end=0.0
    n1: fenced 2, joined 2, now follower
    n2 <- n1 joined view=2 attempt=0 up to 0: elected 2, appended 1, now leader
run until committed 1 at n2
    n0 <- n2 follow view=2 attempt=0 end=2.1: now follower
    n2: link-up n1
    n1: accepted 1
    n2: committed 1, applied 1
hold poll n0
release deliver n0->*
release arrive n0->n2
run until n2 notes link-up 0
    n0: fenced 2, joined 2
    n1 <- n0 follow view=0 attempt=1 end=0.1
    n2 <- n0 joined view=2 attempt=0 up to 0
    n0 <- n1 ahead view=2
    n2: link-up n0
run 20 us
release poll n0
run until n0 notes accepted 1
    n0: accepted 1, replaced 1
show
    n0 follower, view 2, log 1-1 (last of view 2), stored 1, committed 0
    n1 follower, view 2, log 1-1 (last of view 2), stored 1, committed 0
    n2 leader, view 2, log 1-1 (last of view 2), stored 1, committed 1

# n2 stops, and n0 leads again, in view 3. It is a new connection to n1; but the number that n1 expects first
# is that of the packet which is still in the network. It lands where n1 looks for n0's next entry: whole,
# and from n0. The fence was no help. But the header names n0 as the leader of view 0, and n1 does not take
# it.
hold arrive n0->n1
pause n2
fire n1 suspect x2
    n1 suspect timer
    n1 suspect timer: suspected 2, probed 4, now probing
run 20 us
    n0 <- n1 probe view=4 end=2.1
fire n0 suspect x2
    n0 suspect timer
    n0 suspect timer: suspected 2, probed 3, now probing
run until n0 notes link-up 1
    n1 <- n0 probe view=3 end=2.1: granted 3
    n0 <- n1 grant view=3
    n0: fenced 3, joined 3, now candidate
    n1 <- n0 vote view=3 attempt=0 end=2.1
    n1: fenced 3, joined 3, now follower
    n0 <- n1 joined view=3 attempt=0 up to 0: elected 3, appended 1, now leader
    n0: link-up n1
land n0->n1 late
    late write 56B n1 log bytes from n0 lands
run 20 us
expect committed exactly 0 at n0
show
    n0 leader, view 3, log 1-1 (last of view 3), stored 1, committed 0
    n1 follower, view 3, log 1-1 (last of view 2), stored 1, committed 0
    n2 leader (paused), view 2, log 1-1 (last of view 2), stored 1, committed 1

# n1's NIC takes the real first packet for a repetition, answers it and drops it. So n0 has a completion and
# no acknowledgement. n1 stands still, and is sent the entry again.
release everything
run until n0 notes resent 1
    c0 asks again: put k0 101
    n1 <- c0 put k0 101: redirected c0
    n2 gives up waiting for n0: write 8B n0 cells cells[2].connection
    n2 gives up waiting for n1: write 8B n1 cells cells[2].connection
    n0 beat timer: resent n1
run until committed 1 at n0
    n1: accepted 1, replaced 1
    n0: committed 1, applied 1
run until client 0 answered done
    c0 asks again: put k0 101 (2 times)
    n0 <- c0 put k0 101: appended 2
    n1: accepted 2, committed 1, applied 1
    n0: committed 2, applied 2, replied c0
    c0 <- done
heal
quietly run until converged
show
    n0 leader, view 3, log 1-3 (last of view 3), stored 3, committed 3
    n1 follower, view 3, log 1-3 (last of view 3), stored 3, committed 2
    n2 follower, view 3, log 1-3 (last of view 3), stored 3, committed 2
