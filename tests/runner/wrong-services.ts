/** Wrong services, as texts of a user's modules. */

/**
 * APUS whose replicas acknowledge a plain SET as soon as they are asked for it, before anything has been committed, and
 * whether they lead or not.
 */
export const hastyService = `
import { type CoreDefinition, type SystemDefinition, systems } from 'aviary'

const apus = systems.find(({ name }) => name === 'apus')!
const [DONE_ONE, OK, SET, BATCH] = [0x1_0000, 1, 9, 0]

const hasty = (core: CoreDefinition): CoreDefinition => ({
  ...core,
  create(context) {
    const { host, input, output } = context
    const made = core.create(context)
    return {
      ...made,
      request(client, sequence, length) {
        const isPlainSet =
          input.getUint8(8) === BATCH &&
          input.getUint16(10, true) === 0 &&
          input.getUint16(12, true) === 1 &&
          input.getUint8(16) === SET &&
          (input.getUint8(17) & 7) === 0
        if (isPlainSet) {
          for (const [k, word] of [DONE_ONE, 0, OK, 0].entries()) output.setUint32(4 * k, word, true)
          host.reply(client, sequence, 0, 16)
        }
        made.request?.(client, sequence, length)
      },
    }
  },
})

export const system: SystemDefinition = {
  ...apus,
  name: 'hasty',
  service: {
    ...apus.service!,
    build(choice) {
      const model = apus.service!.build(choice)
      return { ...model, cores: model.cores.map(hasty) }
    },
  },
}
`

/** APUS with a bit that is wrong in the memory of one replica, where no client looks. */
export const rottenService = `
import { type CoreDefinition, type ServiceModel, type SystemDefinition, systems } from 'aviary'

const apus = systems.find(({ name }) => name === 'apus')!

const rotten = (core: CoreDefinition, model: ServiceModel): CoreDefinition => ({
  ...core,
  create(context) {
    const made = core.create(context)
    return {
      ...made,
      start(recovered, length) {
        made.start(recovered, length)
        const bytes = model.replicated(context.state.memory)
        bytes[bytes.length - 1] ^= 1
      },
    }
  },
})

export const system: SystemDefinition = {
  ...apus,
  name: 'rotten',
  service: {
    ...apus.service!,
    build(choice) {
      const model = apus.service!.build(choice)
      return { ...model, cores: model.cores.map((core, node) => (node === 2 ? rotten(core, model) : core)) }
    },
  },
}
`

/** APUS that answers every GET with nil, whatever was written. */
export const staleService = `
import { type CoreDefinition, type SystemDefinition, systems } from 'aviary'

const apus = systems.find(({ name }) => name === 'apus')!
const [DONE_ONE, NIL, GET] = [0x1_0000, 0, 0]

const stale = (core: CoreDefinition): CoreDefinition => ({
  ...core,
  create(context) {
    const { host, input, output } = context
    const made = core.create(context)
    return {
      ...made,
      request(client, sequence, length) {
        if (input.getUint16(12, true) !== 1 || input.getUint8(16) !== GET)
          return made.request?.(client, sequence, length)
        for (const [k, word] of [DONE_ONE, 0, NIL, 0].entries()) output.setUint32(4 * k, word, true)
        host.reply(client, sequence, 0, 16)
      },
    }
  },
})

export const system: SystemDefinition = {
  ...apus,
  name: 'stale',
  service: {
    ...apus.service!,
    build(choice) {
      const model = apus.service!.build(choice)
      return { ...model, cores: model.cores.map(stale) }
    },
  },
}
`
