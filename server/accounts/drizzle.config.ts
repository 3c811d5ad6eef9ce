import { defineConfig } from 'drizzle-kit'

// npx drizzle-kit generate --config server/accounts/drizzle.config.ts --name <description>
export default defineConfig({
  dialect: 'postgresql',
  schema: './server/accounts/schema.ts',
  out: './server/accounts/migrations',
})
