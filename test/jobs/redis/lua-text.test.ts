import { describe, expect, test } from 'vitest'
import { withoutComments, withoutUncalled } from '#jobs/redis/lua-text.ts'

test('comments go, and a -- within a word stays', () => {
  const text = `--[[ head
of a script ]]
-- a line
local a = 'b--c' -- the rest of a line
return a`
  expect(withoutComments(text)).toBe("\nlocal a = 'b--c'\nreturn a")
})

describe('an uncalled function goes', () => {
  test('also if only another such function calls it', () => {
    const text = `local function called()
  local function inner() return 1 end
  return inner()
end
local function one() return 1 end
local function uses_one()
  return one()
end
local assigned = function(x)
  return x
end
return called()`
    expect(withoutUncalled(text)).toBe(`local function called()
  local function inner() return 1 end
  return inner()
end
return called()`)
  })

  test('and one that calls itself', () => {
    expect(withoutUncalled('local function f()\n  return f()\nend\nreturn 1')).toBe('return 1')
  })
})
