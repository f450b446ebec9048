// What `import … from 'aviary'` gives: everything needed to write a protocol and to simulate it.
// The model checker is a subpath of its own (`aviary/model-check`), so that a protocol does not load it.
export * from './protocol/index.js'
export * from './sim/index.js'
