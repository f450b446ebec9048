/** What the machines of a testbed are told of cuts; that a cut loses what it should is tried in machines (tests/testbed). */
import { describe, expect, it } from 'vitest'
import { Links } from '../../runner/testbed/links.js'

const network = { group: '230.0.0.1:1234', port: 1234, prefix: '52:54:00:00:00' }

/** Links of machines that write down what they are told; each takes a while. */
function testLinks() {
  const told: string[] = []
  const links = new Links(network, async (machine, argv) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    told.push(`${String(machine)} ${argv[2]!} ${argv[5]!}`)
  })
  return { links, told }
}
const awake = (machine: number) => ({ machine, isAwake: true })
const paused = (machine: number) => ({ machine, isAwake: false })

describe('a paused machine', () => {
  it('takes no cut that came and went meanwhile', async () => {
    const { links, told } = testLinks()
    await links.cut(awake(0), paused(1))
    await links.heal(awake(0), paused(1))
    await links.settle(1)
    expect(told).toEqual(['0 replace egress', '0 del egress'])
  })

  it('has taken the cuts that hold, and given up those that do not, when it has settled', async () => {
    const { links, told } = testLinks()
    await links.cut(awake(0), awake(1))
    await links.heal(awake(0), paused(1))
    await links.cut(awake(2), paused(1))
    told.length = 0
    await links.settle(1)
    expect(told).toEqual(['1 del ingress', '1 replace ingress'])
    expect(links.cuts()).toEqual([[2, 1]])
    told.length = 0
    await links.settle(1)
    expect(told).toEqual([])
  })
})

it('a machine that was booted is told all cuts at its ends', async () => {
  const { links, told } = testLinks()
  await links.cut(awake(0), awake(1))
  await links.cut(awake(2), awake(0))
  told.length = 0
  await links.restore(0)
  expect(told).toEqual(['0 replace egress', '0 replace ingress'])
})

it('a link between two machines that do not run cannot be cut', async () => {
  const { links } = testLinks()
  await expect(links.cut(paused(0), paused(1))).rejects.toThrow('neither machine runs')
})
