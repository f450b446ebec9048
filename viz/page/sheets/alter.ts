/** The same story with something else about the hardware or the protocol: a knob flipped, the variant mended. */
import { h, valueAt } from '../dom.js'
import type { Workbench } from '../workbench.js'

type Change = Readonly<{ knobs?: Record<string, string | readonly string[]>; variant?: string | null }>

async function alter(bench: Workbench, at: number, change: Change): Promise<void> {
  const bent = await bench.try('alter', { branch: bench.branch!.branch, at, ...change })
  if (bent === undefined) return
  await bench.showBent(bent, bent.branch.length)
  for (const remark of bent.branch.remarks.slice(0, 1)) bench.say(remark)
}

export function alterSection(bench: Workbench): HTMLElement {
  const { world } = bench
  if (world === undefined) return h('div')
  const system = bench.systems.find((one) => one.name === world.system)
  const knobs = bench.knobs.map((knob) => {
    const now = world.knobs[knob.name]
    const select = h(
      'select',
      {
        'data-key': `knob ${knob.name}`,
        on: {
          change: (event) => {
            const value = valueAt(event)
            void alter(bench, bench.at, {
              knobs: { [knob.name]: knob.many ? (value === '' ? [] : [value]) : value },
            })
          },
        },
      },
      knob.many ? h('option', { value: '' }, 'none') : undefined,
      ...knob.values.map((value) =>
        h(
          'option',
          {
            value,
            selected: Array.isArray(now) ? (now as readonly string[]).includes(value) : now === value,
          },
          value,
        ),
      ),
    )
    return [
      h('span', {}, knob.name),
      h('label', {}, h('span', { class: 'unseen' }, `Knob ${knob.name}`), select),
    ]
  })
  const variant = h(
    'select',
    {
      'data-key': 'variant',
      on: {
        change: (event) => {
          const value = valueAt(event)
          void alter(bench, bench.at, { variant: value === '' ? null : value })
        },
      },
    },
    h('option', { value: '' }, 'right'),
    ...(system?.variants ?? []).map((one) =>
      h('option', { value: one.name, selected: one.name === world.variant?.name }, one.name),
    ),
  )
  return h(
    'section',
    {},
    h('h2', {}, 'The same story on other hardware'),
    h(
      'p',
      { class: 'quiet' },
      'The actions up to the cursor are followed as far as they are possible; what is not is skipped and told.',
    ),
    h(
      'div',
      { class: 'form' },
      ...(system === undefined || system.variants.length === 0
        ? []
        : [h('span', {}, 'Protocol'), h('label', {}, h('span', { class: 'unseen' }, 'Variant'), variant)]),
      ...knobs.flat(),
    ),
  )
}
