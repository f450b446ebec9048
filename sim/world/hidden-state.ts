import type { Part } from './memory.js'

/** A core answered differently to the same bytes and the same input: it keeps state outside its private memory. */
export class HiddenState extends Error {
  constructor(
    readonly node: string,
    readonly handler: string,
    readonly part: Part | undefined,
    readonly offset: number,
  ) {
    super(
      `${node} ${handler} has hidden state: run twice on the same bytes and input it ${part ? `left different bytes in ${part.name}` : 'had different effects'}`,
    )
    this.name = 'HiddenState'
  }
}
