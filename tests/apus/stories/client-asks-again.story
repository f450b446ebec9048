# A client asks again across a change of leader, and its request takes effect once
#
# n0 commits a put of 101, answers, and dies. n2 wins the election, and answers when it applies the entry;
# both answers are lost. Another client reads 101 and puts 202. Then the first client, which has heard
# nothing, asks n2. The client table, which is part of what entries make, knows the request and its reply: it
# is answered, and 202 stays. Were it applied once more, 101 would come back.

bites duplicate-applied violates linearizable
client 0 put k0 101
    c0 calls put k0 101
hold retry c0
hold reply c0
run until committed 1 at n0
    n0 <- c0 put k0 101: appended 1
    n1 n2: accepted 1
    n0: committed 1, applied 1, replied c0
drop reply c0
    lost: done
crash n0
run until committed 2 at n2
    n1 suspect timer: suspected 0, probed 1, now probing
    n2 <- n1 probe view=1 end=0.1
    n2 suspect timer: suspected 0, probed 2, now probing
    n1 <- n2 probe view=2 end=0.1: granted 2
    n2 <- n1 grant view=2
    n2: fenced 2, joined 2, now candidate
    n1 <- n2 vote view=2 attempt=0 end=0.1
    n1: fenced 2, joined 2, now follower
    n2 <- n1 joined view=2 attempt=0 up to 0: elected 2, appended 2, now leader
    n2: link-up n1
    n1: accepted 1
    n1: accepted 2
    n2: committed 2, applied 1, replied c0, applied 2
drop reply c0
    lost: done
release reply c0
client 1 get k0
    c1 calls get k0
run until client 1 answered value 101
    n2 beat timer: appended 3
    n1: accepted 3, committed 2, applied 1, applied 2
    n2: committed 3, applied 3
    c1 asks again: get k0 (2 times)
    n1 <- c1 get k0: redirected c1
    n2: read-confirmed 2, replied c1
    c1 <- value 101
client 1 put k0 202
    c1 calls put k0 202
run until client 1 answered done
    c1 asks again: put k0 202 (2 times)
    n1 <- c1 put k0 202: redirected c1
    n2 <- c1 put k0 202: appended 4
    n1: accepted 4, committed 3, applied 3
    n2: committed 4, applied 4, replied c1
    c1 <- done
retry c0
    c0 asks again: put k0 101
retry c0
    c0 asks again: put k0 101
run until client 0 answered done
    n1 <- c0 put k0 101: redirected c0
    n2 <- c0 put k0 101: replied c0
    c0 <- done
client 1 get k0
    c1 calls get k0
run until client 1 answered value 202
    n2 beat timer: recycled 0, appended 5
    n1: accepted 5, committed 4, applied 4, recycled 0
    n2: committed 5, applied 5
    c1 asks again: get k0 (2 times)
    n1 <- c1 get k0: redirected c1
    n2: read-confirmed 2, replied c1
    c1 <- value 202
heal
    n0: amnesia 1, now recovering
quietly run until converged
show
    n0 follower, view 2, log 1-5 (last of view 2), stored 5, committed 4
    n1 follower, view 2, log 1-5 (last of view 2), stored 5, committed 4
    n2 leader, view 2, log 1-5 (last of view 2), stored 5, committed 5
