// Commits of three replicas of APUS in one thread, with the flight recorder at each (argument `flight`) or without
// (`off`). Prints the microseconds of processor time of a commit and of an idle turn of all three, each the best of many
// stretches.
import { systems } from '../../../dist/protocol/index.js'
import { ServiceReplica } from '../../../dist/runner/index.js'
import { Recorder, originAt } from '../../../dist/runner/recording/recorder.js'
import { FlightSink } from '../../../dist/runner/recording/sinks.js'

const [mode, stretches] = [process.argv[2], Number(process.argv[3])]
const nodes = 3
const model = systems
  .find(({ name }) => name === 'apus')
  .service.build({ nodes, parameters: { beatMicros: 20_000, suspectMicros: 400_000 } })
const recorders = Array.from({ length: nodes }, () =>
  mode === 'flight'
    ? new Recorder(new FlightSink(2 ** 23), nodes, originAt(process.hrtime.bigint()))
    : undefined,
)
const replicas = recorders.map((tap, self) => {
  let epoch = 0
  return new ServiceReplica({
    model,
    self,
    nodes,
    incarnation: 0,
    incarnations: new Uint32Array(nodes),
    cluster: `commits-${process.pid}`,
    nextEpoch: () => epoch++,
    tap,
  })
})
const turn = () => {
  for (let node = 0; node < nodes; node++) {
    const now = performance.now()
    replicas[node].turn(now)
    recorders[node]?.tick(now)
  }
}
const met = () =>
  replicas.every(({ replica }, i) =>
    replicas.every((_, k) => i === k || replica.native.peerState(k) === 'connected'),
  )
while (!met()) turn()
for (const each of replicas) each.start(performance.now())

const operation = new Uint8Array(56)
operation.set([1, 1, 6])
let done = 0
let isStopping = false
const put = () => {
  replicas[0].propose(operation, operation.length, () => {
    done++
    if (!isStopping) put()
  })
}
/** The least microseconds of processor time of one of the things that a stretch does. */
const best = (count, stretch) => {
  let least = Infinity
  for (let i = 0; i < count; i++) {
    const before = process.cpuUsage()
    const times = stretch()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / times)
  }
  return least
}
put()
const commit = best(stretches, () => {
  const until = done + 4000
  while (done < until) turn()
  return 4000
})
isStopping = true
for (let i = 0; i < 1000; i++) turn()
const idle = best(stretches, () => {
  for (let i = 0; i < 20_000; i++) turn()
  return 20_000
})
for (const each of replicas) each.close()
console.log(JSON.stringify({ commit, idle }))
