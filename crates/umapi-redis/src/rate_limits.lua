-- The rate limits of one API key for the calls that are counted together. KEYS[1] is their state, a JSON object:
--   epoch     who began it: another epoch is another log
--   seq       counts the changes: a lower number is an older copy
--   last      the latest time seen, in milliseconds
--   offset    what to add to the server's clock, so that time neither goes back nor jumps
--   paused    no permit before this time
--   keep      the longest period of any caller, which is how long calls are kept
--   most      the largest quota of any caller, which is how many calls are kept
--   log       the calls: {id, time}, in order of time
--   queue     the processes that wait: {process, until when its turn is kept}, in order of arrival
-- The answer is {granted, wait, busy, now, epoch, seq}; times in milliseconds.
local operation, process, new_epoch, known_epoch = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local known_seq, hold, expected, slack = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local grace, ttl_slack, argument = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]
local limits, shortest, longest, most = {}, nil, 0, 0
for quota, period in string.gmatch(ARGV[12], '(%d+):(%d+)') do
  quota, period = tonumber(quota), tonumber(period)
  table.insert(limits, {quota = quota, period = period})
  shortest = math.min(shortest or period, period)
  longest, most = math.max(longest, period), math.max(most, quota)
end
shortest = shortest or 0

local FAR = 1e14
local function is_time(value) return type(value) == 'number' and value >= -FAR and value <= FAR end
local function is_count(value) return type(value) == 'number' and value >= 0 and value <= FAR end

local function is_valid(state)
  if type(state) ~= 'table' or type(state.epoch) ~= 'string' or #state.epoch > 64 or not is_count(state.seq) then return false end
  for _, name in ipairs({'last', 'offset', 'paused', 'keep'}) do
    if not is_time(state[name]) then return false end
  end
  if not is_count(state.most) or type(state.log) ~= 'table' or type(state.queue) ~= 'table' then return false end
  local latest = -FAR
  for _, call in ipairs(state.log) do
    if type(call) ~= 'table' or type(call[1]) ~= 'string' or not is_time(call[2]) then return false end
    if call[2] < latest or call[2] > state.last then return false end
    latest = call[2]
  end
  for _, ticket in ipairs(state.queue) do
    if type(ticket) ~= 'table' or type(ticket[1]) ~= 'string' or not is_time(ticket[2]) then return false end
  end
  return true
end

local text = redis.call('GET', KEYS[1])
local state, is_new = nil, not text
if text then
  local is_json, decoded = pcall(cjson.decode, text)
  if not is_json or not is_valid(decoded) then
    return redis.error_reply('UMAPISTATE the state cannot be read')
  end
  state = decoded
else
  state = {epoch = new_epoch, seq = 0, last = 0, offset = 0, paused = 0, keep = 0, most = 0, log = {}, queue = {}}
end

-- Time neither goes back nor jumps ahead of what the caller's own clock allows.
local clock = redis.call('TIME')
local server = (tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)) --[[CLOCK]]
local now = server + state.offset
if not is_new then
  if expected >= 0 and known_epoch == state.epoch and now > expected + slack then now = expected end
  if now < state.last then now = state.last end
  state.offset = now - server
end
state.last = now
state.keep, state.most = math.max(state.keep, longest), math.max(state.most, most)

-- The caller knows of calls that the log has lost: they are waited for.
local has_lost = known_epoch ~= '' and hold > 0 and (known_epoch ~= state.epoch or known_seq > state.seq)
if has_lost then
  state.paused = math.max(state.paused, now + hold)
end

local log, queue = {}, {}
for _, call in ipairs(state.log) do
  if call[2] + state.keep > now then table.insert(log, call) end
end
while #log > state.most do table.remove(log, 1) end
for _, ticket in ipairs(state.queue) do
  if ticket[2] > now or (ticket[1] == process and operation ~= 'forecast') then table.insert(queue, ticket) end
end
state.log, state.queue = log, queue

-- When a call with so many others before it has its permit.
local function free_at(ahead)
  local start = math.max(now, state.paused)
  local free = start
  for _, limit in ipairs(limits) do
    local rounds, place = math.floor(ahead / limit.quota), ahead % limit.quota
    local call, first = log[#log + place - limit.quota + 1], start
    if call then first = math.max(start, call[2] + limit.period) end
    free = math.max(free, first + rounds * limit.period)
  end
  return free
end

local function own_place()
  for place, ticket in ipairs(queue) do
    if ticket[1] == process then return place end
  end
end

local function forget(id)
  for place, call in ipairs(log) do
    if call[1] == id then
      table.remove(log, place)
      return true
    end
  end
end

local function answer(granted, wait)
  local newest = log[#log]
  local busy = newest and math.max(0, newest[2] + shortest - now) or 0
  busy = math.max(busy, state.paused - now)
  local function whole(number) return string.format('%.0f', math.ceil(number)) end
  return {granted, whole(wait), whole(busy), whole(now), state.epoch, whole(state.seq)}
end

local function save(granted, wait)
  state.seq = state.seq + 1
  -- An empty table would be written as an object, which reads as an empty table again.
  local ttl = math.max(state.keep, state.paused - now) + ttl_slack
  redis.call('SET', KEYS[1], cjson.encode(state), 'PX', string.format('%.0f', math.ceil(ttl)))
  return answer(granted, wait)
end

if operation == 'acquire' then
  for _, call in ipairs(log) do
    -- A repetition of a request whose answer was lost.
    if call[1] == argument then return answer(1, 0) end
  end
  local place = own_place()
  local ahead = (place or #queue + 1) - 1
  local due = free_at(ahead)
  if due <= now then
    if place then table.remove(queue, place) end
    table.insert(log, {argument, now})
    while #log > state.most do table.remove(log, 1) end
    return save(1, 0)
  end
  if place then queue[place][2] = due + grace else table.insert(queue, {process, due + grace}) end
  -- A process before this one may be gone. Its turn passes on when its ticket expires.
  local ask_at = due
  for before = 1, ahead do ask_at = math.min(ask_at, queue[before][2] + 1) end
  return save(0, math.max(ask_at - now, 1))
elseif operation == 'sent' then
  forget(argument)
  table.insert(log, {argument, now})
  while #log > state.most do table.remove(log, 1) end
  return save(1, 0)
elseif operation == 'release' then
  forget(argument)
  return save(1, 0)
elseif operation == 'pause' then
  state.paused = math.max(state.paused, now + tonumber(argument))
  return save(1, 0)
else
  local place, others = own_place(), #queue
  if place then others = others - 1 end
  local first = place and place - 1 or others
  local wait = free_at(first + tonumber(argument) * (others + 1)) - now
  if has_lost then return save(0, wait) end
  return answer(0, wait)
end
