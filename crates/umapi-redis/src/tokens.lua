-- The shared access token of one API key. KEYS[1] is the sealed token, KEYS[2] the lock of the login.
local operation, fence = ARGV[1], ARGV[2]

local function holds() return redis.call('GET', KEYS[2]) == fence end

if operation == 'get' then
  -- ARGV: how long the lock lasts, how much lifetime a token must have left, the largest size of a token; milliseconds, bytes
  local lock_ms, window, largest = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
  local token, left = false, redis.call('PTTL', KEYS[1])
  if redis.call('STRLEN', KEYS[1]) <= largest then token = redis.call('GET', KEYS[1]) end
  if token and left > window then return {'token', token, left} end
  if redis.call('SET', KEYS[2], fence, 'NX', 'PX', lock_ms) or holds() then
    return {'login', token or '', left}
  end
  if token and left > 0 then return {'token', token, left} end
  return {'wait', '', redis.call('PTTL', KEYS[2])}
elseif operation == 'drop' then
  -- A rejected or unreadable token, unless another one has replaced it.
  if redis.call('GET', KEYS[1]) == ARGV[3] then return redis.call('DEL', KEYS[1]) end
  return 0
elseif operation == 'publish' then
  if not holds() then return 0 end
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  return redis.call('DEL', KEYS[2])
elseif operation == 'renew' then
  -- While the login runs, or until the next one may be tried.
  if not holds() then return 0 end
  return redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return redis.error_reply('UMAPISTATE unknown operation')
