import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Principal } from '../accounts/authenticate.ts'

/** What every route behind `/api` knows of its caller. */
export interface ApiEnv {
  Variables: { principal: Principal }
}

export type Api = OpenAPIHono<ApiEnv>
