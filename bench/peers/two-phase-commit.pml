/*
 * Two-phase commit for SPIN, as a peer of the system `2pc`. Compile with -DN=<resource managers>, 1 to 9.
 * Source: Gray and Lamport, "Consensus on Transaction Commit" (2006), section 3.
 *
 * One process in a loop of indivisible steps, each an action of the protocol, so that a state vector is a state of `2pc`
 * and nothing else: the network is sets of messages that never shrink. Reduction by partial order is to be switched off
 * (-DNOREDUCE). The consistency of all resource managers is asserted in each step that changes one of them.
 *
 * Counts. "States, stored" are the distinct states. "Transitions" are stored and matched ones together, so the initial
 * state and steps that change nothing are among them, as among the states that TLC calls generated: both are equal.
 */
mtype = { working, prepared, committed, aborted, undecided }

mtype rm[N] = working;
mtype tm = undecided;
bool counted[N];
bool voted[N];
bool toldCommit, toldAbort;

#define PASTE(a, b) a ## b
#define ALL_OF(n, p) PASTE(ALL, n)(p)
#define EACH(p) ALL_OF(N, p)
#define ALL1(p) p(0)
#define ALL2(p) ALL1(p) p(1)
#define ALL3(p) ALL2(p) p(2)
#define ALL4(p) ALL3(p) p(3)
#define ALL5(p) ALL4(p) p(4)
#define ALL6(p) ALL5(p) p(5)
#define ALL7(p) ALL6(p) p(6)
#define ALL8(p) ALL7(p) p(7)
#define ALL9(p) ALL8(p) p(8)

// The same again, because the preprocessor expands no macro within itself.
#define ANY_OF(n, p) PASTE(ANY, n)(p)
#define ANY(p) (false ANY_OF(N, p))
#define ANY1(p) p(0)
#define ANY2(p) ANY1(p) p(1)
#define ANY3(p) ANY2(p) p(2)
#define ANY4(p) ANY3(p) p(3)
#define ANY5(p) ANY4(p) p(4)
#define ANY6(p) ANY5(p) p(5)
#define ANY7(p) ANY6(p) p(6)
#define ANY8(p) ANY7(p) p(7)
#define ANY9(p) ANY8(p) p(8)

#define AND_COUNTED(i) && counted[i]
#define OR_COMMITTED(i) || rm[i] == committed
#define OR_ABORTED(i) || rm[i] == aborted
#define IS_CONSISTENT !(ANY(OR_COMMITTED) && ANY(OR_ABORTED))

#define OPTIONS(i) \
  :: d_step { rm[i] == working -> rm[i] = prepared; voted[i] = true } \
  :: d_step { rm[i] == working -> rm[i] = aborted; assert(IS_CONSISTENT) } \
  :: d_step { tm == undecided && voted[i] -> counted[i] = true } \
  :: d_step { toldCommit -> rm[i] = committed; assert(IS_CONSISTENT) } \
  :: d_step { toldAbort -> rm[i] = aborted; assert(IS_CONSISTENT) }

active proctype everybody() {
  do
  :: d_step { tm == undecided EACH(AND_COUNTED) -> tm = committed; toldCommit = true }
  :: d_step { tm == undecided -> tm = aborted; toldAbort = true }
  EACH(OPTIONS)
  od
}
