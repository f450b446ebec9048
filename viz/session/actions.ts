/** Actions in words. */
import type { ActionInfo, EnabledAction } from './protocol.js'
import { type Site, isFaultKind } from '../../sim/index.js'
import { budgetIndex } from '../../sim/world/faults.js'
import type { FaultKind } from '../../protocol/index.js'
import { armedChoice } from '../../sim/trace/trace.js'
import type { Branch } from './branch.js'

/** What an action does: its kind, its place, and what its site says of it. */
function sentence(site: Site, choice: number): string {
  const words = site.describe(choice)
  const [kind = '', ...path] = site.name.split(' ')
  return [kind, ...path, words].filter((piece) => piece !== '').join(' ')
}

/** Action `i` of a branch. The stage is brought to the state before it. */
export function describeAction(branch: Branch, i: number): ActionInfo {
  const { stage, log, index } = branch
  const world = stage.seek(branch, i)
  const site = world.sites[log.site(i)]!
  const subject = log.subject(i)
  const info = stage.info.sites[site.index]!
  const choice = armedChoice(site, subject)
  return {
    action: i,
    site: site.name,
    subject,
    kind: site.kind,
    lane: info.lane,
    node: info.node,
    peer: info.peer,
    client: info.client,
    text: choice < 0 ? site.name : sentence(site, choice),
    arrows: i < index.known ? index.arrows.touching(i) : [],
  }
}

/** What is possible in the state that the stage's world is in. `beyond`: faults too of which the budget has none left. */
export function enabledActions(branch: Branch, at: number, beyond: boolean): readonly EnabledAction[] {
  const { stage } = branch
  const world = stage.seek(branch, at)
  const actions: EnabledAction[] = []
  const add = (site: Site, choices: number, needsBudget: string): void => {
    const { lane, node, peer, client } = stage.info.sites[site.index]!
    const isFault = isFaultKind(site.kind)
    for (let choice = 0; choice < choices; choice++)
      actions.push({
        site: site.name,
        subject: site.subject(choice),
        kind: site.kind,
        lane,
        node,
        peer,
        client,
        text: sentence(site, choice),
        isFault,
        needsBudget,
      })
  }
  const { words } = world.memory
  for (const site of world.sites) {
    if (site.kind === 'calm') continue
    const armed = world.armed[site.index]!
    if (armed > 0) add(site, armed, '')
    else if (beyond && isFaultKind(site.kind)) {
      // Asked with one fault more, as the branch that it makes will have; the word is put back at once.
      const at = world.budgets.offset / 4 + budgetIndex(site.kind as FaultKind)
      if (words[at] !== 0) continue
      words[at] = 1
      const possible = site.armed()
      if (possible > 0) add(site, possible, site.kind)
      words[at] = 0
    }
  }
  return actions
}
