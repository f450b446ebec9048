# A replica with a bad link cannot unseat the leader
#
# Nothing gets from n0 to n1, so n1 suspects the leader. Before it stands for a view of its own it asks
# whether a majority feels the same (pre-vote). n2 hears the heartbeats and grants nothing, however often n1
# asks. n0 leads on, and no view is lost.

client 0 put k0 101
    c0 calls put k0 101
quietly run until client 0 answered done
cut n0 n1
run 8 ms
    n0 beat timer: appended 2
    n2: accepted 2, committed 1, applied 1
    n0: committed 2, applied 2
    n0 gives up waiting for n1: write 8B n1 cells cells[0].connection
    n0 is told of its write 8B n1 cells cells[0].connection: retryExceeded: link-down n1
    n0 is told of its write 40B n1 log bytes+56: flushed
    n0 is told of its write 8B n1 cells cells[0].connection: flushed (2 times)
    n1 suspect timer: suspected 0, probed 1, now probing
    n2 <- n1 probe view=1 end=0.1 (4 times)
    n1 suspect timer: probed 1 (4 times)
show
    n0 leader, view 0, log 1-2 (last of view 0), stored 2, committed 2
    n1 probing, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n2 follower, view 0, log 1-2 (last of view 0), stored 2, committed 1
client 0 put k0 102
    c0 calls put k0 102
run until client 0 answered done
    n2 <- n1 probe view=1 end=0.1
    n0 <- c0 put k0 102: appended 3
    n2: accepted 3, committed 2, applied 2
    n0: committed 3, applied 3, replied c0
    c0 <- done
heal n0 n1
run until n1 is follower
    n1 <- n0 follow view=0 attempt=1 end=0.2 (15 times)
    n0 <- n1 probe view=1 end=0.1 (5 times)
    late write 8B n1 cells cells[0].connection from n0 lands
    n1 <- n0 follow view=0 attempt=1 end=0.3
    n1: fenced 0
    n0 <- n1 joined view=0 attempt=1 up to 1
    n0 beat timer: appended 4
    n2: accepted 4, committed 3, applied 3
    n0: committed 4, applied 4
    n0: link-up n1
    n1: accepted 2, committed 1, applied 1
    n1: accepted 3, committed 2, applied 2
    n1: accepted 4, committed 3, applied 3
    n1 suspect timer: now follower
expect view exactly 0 at n0 n1 n2
show
    n0 leader, view 0, log 1-4 (last of view 0), stored 4, committed 4
    n1 follower, view 0, log 1-4 (last of view 0), stored 4, committed 3
    n2 follower, view 0, log 1-4 (last of view 0), stored 4, committed 3
