export * from './world/memory.js'
export * from './world/site.js'
export * from './world/world.js'
export * from './world/observer.js'
