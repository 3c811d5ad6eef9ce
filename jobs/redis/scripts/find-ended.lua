-- Finds the jobs that fit a filter in one slice of the ended ones. They are not sorted by creation,
-- so all of them have to be seen; a scan sees those that stay in the set throughout, even while
-- archivers move them within it.
-- KEYS 1 ended
-- ARGV 1 type of search and 2 state ('' = any), 3 cursor of the scan, 4 number of jobs to look at
-- Answers {next cursor, id, creation (ms), id, …}; some may come twice
local call = redis.call
local prefix = string.match(KEYS[1], '^({.-}):') .. ':job:'
local search, state = ARGV[1], ARGV[2]
local scan = call('ZSCAN', KEYS[1], ARGV[3], 'COUNT', ARGV[4])
local answer = {scan[1]}
for i = 1, #scan[2], 2 do
  local id = scan[2][i]
  local job = call('HMGET', prefix .. id, 'createdAt', 'state', 'search')
  if job[1] and (state == '' or job[2] == state) and (search == '' or job[3] == search) then
    answer[#answer + 1] = id
    answer[#answer + 1] = job[1]
  end
end
return answer
