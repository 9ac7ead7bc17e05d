// What Redis does as one step. Times are its own, so that the clocks of replicas need not agree.

/**
 * nginx's limit_req for several rates at once, as leaky-bucket.ts has it: all take the request, or none. KEYS: buckets; ARGV:
 * rate and burst of each. Answers {0, excess…}, or {number of the first that is exceeded}. What has leaked empty is forgotten.
 */
export const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local excesses = {}
for i = 1, #KEYS do
  local rate, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local state = redis.call('GET', KEYS[i])
  local excess = 0
  if state then
    local before, last = string.match(state, '^(%S+) (%S+)$')
    excess = math.max(0, before - rate * math.max(0, now - last) / 1000 + 1)
  end
  if excess > burst then return { i } end
  excesses[i] = excess
end
local answer = { 0 }
for i = 1, #KEYS do
  local rate = tonumber(ARGV[2 * i - 1])
  local state = string.format('%.6f %.3f', excesses[i], now)
  redis.call('SET', KEYS[i], state, 'PX', math.ceil((excesses[i] + 1) / rate * 1000))
  answer[i + 1] = string.format('%.6f', excesses[i])
end
return answer
`;

/**
 * How many requests of a client are under way, by replica: each says its own number, which holds for so long as it says it
 * again. KEYS: the client's hash; ARGV: replica, its number, the most of all (-1: it is only told), for how long a word holds in
 * ms. Answers 0 where it would be too many.
 */
export const ENTER = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local own, most, holds = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if most >= 0 then
  local sum = own
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    local count, last = string.match(all[i + 1], '^(%S+) (%S+)$')
    if now - last > holds then redis.call('HDEL', KEYS[1], all[i])
    elseif all[i] ~= ARGV[1] then sum = sum + count end
  end
  if sum > most then return 0 end
end
if own == 0 then redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %d', own, now))
  redis.call('PEXPIRE', KEYS[1], holds)
end
return 1
`;
