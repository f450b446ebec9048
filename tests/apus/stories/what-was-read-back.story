# What was read back need not be stored
#
# n1 has appended an entry to its disk, and its process dies before the flush returns. The machine goes on, so the
# new process reads the entry back. But nobody knows whether it is on the disk: n1 stores all that it has read
# once more, and acknowledges nothing before that. A loss of power shows that it was right to wait.

durability disk
hold timer n0 suspect
hold timer n1 suspect
hold timer n2 suspect
hold flush n1
hold arrive n0->n2
client 0 put k0 101
    c0 calls put k0 101
run until end 1 at n1
    n0 <- c0 put k0 101: appended 1
    n1: accepted 1
kill n1
teardown n1
restart n1
    n1 (incarnation 1)
show
    n0 leader, view 0, log 1-1 (last of view 0), stored 0, committed 0
    n1 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n2 follower, view 0, log empty, stored 0, committed 0
quietly run 3 ms
show
    n0 leader, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n1 follower, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n2 follower, view 0, log empty, stored 0, committed 0
crash n1
    n1 (the unflushed tail is lost)
restart n1
    n1 (incarnation 2)
show
    n0 leader, view 0, log 1-1 (last of view 0), stored 1, committed 0
    n1 follower, view 0, log empty, stored 0, committed 0
    n2 follower, view 0, log empty, stored 0, committed 0
release everything
run until client 0 answered done
    n2: accepted 1
    n1 <- n0 follow view=0 attempt=1 end=0.1
    n1: stored 0, joined 0
    n2: stored 1
    n0: committed 1, applied 1, replied c0
    c0 <- done
run until converged
    n1: fenced 0
    n0 <- n1 joined view=0 attempt=1 up to 0
    n0 beat timer: appended 2
    n2: accepted 2, committed 1, applied 1
    n0 n2: stored 2
    n0: committed 2, applied 2
    n0: link-up n1
    n1: accepted 1
    n1: accepted 2, committed 1, applied 1
show
    n0 leader, view 0, log 1-2 (last of view 0), stored 2, committed 2
    n1 follower, view 0, log 1-2 (last of view 0), stored 0, committed 1
    n2 follower, view 0, log 1-2 (last of view 0), stored 2, committed 1
