/** BullMQ publishes the texts of its scripts, but no types of them for this folder. */
interface Text {
  name: string
  /** The number of its keys. */
  keys: number
  content: string
}

declare module 'bullmq/dist/cjs/scripts/addStandardJob-9.js' {
  export const addStandardJob: Text
}
declare module 'bullmq/dist/cjs/scripts/moveToActive-11.js' {
  export const moveToActive: Text
}
declare module 'bullmq/dist/cjs/scripts/moveToDelayed-11.js' {
  export const moveToDelayed: Text
}
declare module 'bullmq/dist/cjs/scripts/moveToFinished-14.js' {
  export const moveToFinished: Text
}
