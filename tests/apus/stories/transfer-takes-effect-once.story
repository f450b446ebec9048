# A transfer takes effect once, and money is conserved
#
# The application is a bank: each account opens with the same balance. Reads go through the log here, as
# entries of their own. The answer to a transfer is lost with its leader, and the client asks again.

application bank
reads log
client 0 transfer 3 from 0 to 1
    c0 calls transfer 3 from 0 to 1
hold reply c0
hold retry c0
run until committed 1 at n0
    n0 <- c0 transfer 3 from 0 to 1: appended 1
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
release everything
retry c0
    c0 asks again: transfer 3 from 0 to 1
retry c0
    c0 asks again: transfer 3 from 0 to 1
run until client 0 answered
    n1 <- c0 transfer 3 from 0 to 1: redirected c0
    n2 <- c0 transfer 3 from 0 to 1: replied c0
    c0 <- done
client 0 balance of 0
    c0 calls balance of 0
run until client 0 answered
    n2 beat timer: appended 3
    n1: accepted 3, committed 2, applied 1, applied 2
    n2: committed 3, applied 3
    c0 asks again: balance of 0 (2 times)
    n1 <- c0 balance of 0: redirected c0
    n2 <- c0 balance of 0: appended 4
    n1: accepted 4, committed 3, applied 3
    n2: committed 4, applied 4, replied c0
    c0 <- balance 7
heal
    n0: amnesia 1, now recovering
quietly run until converged
show
    n0 follower, view 2, log 1-5 (last of view 2), stored 5, committed 4
    n1 follower, view 2, log 1-5 (last of view 2), stored 5, committed 4
    n2 leader, view 2, log 1-5 (last of view 2), stored 5, committed 5
