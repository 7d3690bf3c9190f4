using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

/// <summary>
/// Random calls, requests and restarts from a seed, compared with a simple model: which members are authorized, which addresses they
/// have, and which messages they must get.
/// </summary>
public sealed class SimulationTests : IDisposable
{
    private const int Nodes = 24;

    private readonly string _folder = Directory.CreateTempSubdirectory("lanyard-controller-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(4, true)]
    public void Random_calls_and_requests_agree_with_the_model(int seed, bool onDisk)
    {
        var path = Path.Combine(_folder, "controller.db");
        IControllerStore store = onDisk ? SqliteControllerStore.Open(path) : new MemoryControllerStore();
        var test = new TestController(store: store);
        var model = new Model(test, seed);
        for (var step = 0; step < 500; step++)
        {
            model.Step();
            if (step % 100 != 99)
                continue;
            (store as IDisposable)?.Dispose();
            store = onDisk ? SqliteControllerStore.Open(path) : store;
            var restarted = new TestController(store: store) { NowMs = test.NowMs };
            model.Restart(restarted);
            test = restarted;
        }

        (store as IDisposable)?.Dispose();
    }

    private sealed class Model(TestController test, int seed)
    {
        private readonly Random _random = new(seed);
        private readonly Identity[] _nodes = Enumerable.Range(1, Nodes).Select(n => TestController.Stranger((ulong)n * 0x1003)).ToArray();
        private readonly Dictionary<NodeAddress, Entry> _members = [];
        private readonly HashSet<NodeAddress> _toTell = [];
        private TestController _test = test;
        private long _startedMs;
        private bool _exists;
        private bool _private = true;
        private int _mtu = 2800;

        public void Step()
        {
            _test.NowMs += _random.Next(0, 3_000);
            var node = _nodes[_random.Next(Nodes)];
            switch (_random.Next(20))
            {
                case 0:
                    SaveNetwork();
                    break;
                case 1 when _random.Next(10) == 0:
                    DeleteNetwork();
                    break;
                case 2:
                    DeleteMember(node);
                    break;
                case 3 or 4 or 5:
                    Authorize(node, _random.Next(3) > 0);
                    break;
                case 6:
                    TakeMessages();
                    break;
                default:
                    Ask(node);
                    break;
            }

            Check();
        }

        public void Restart(TestController restarted)
        {
            _test = restarted;
            _startedMs = restarted.NowMs;
            Assert.Empty(restarted.TakeMessages());
            foreach (var (_, entry) in _members)
            {
                entry.HasConfig = entry.WasMember = entry.IsAuthorized && entry.HasAsked;
                entry.LastRequestMs = null;
            }

            _toTell.Clear();
            Check();
        }

        private void SaveNetwork()
        {
            _private = _exists ? _random.Next(4) > 0 : _private;
            _mtu = _random.Next(1280, 10_000);
            var changed = _test.SaveNetwork(network => network with
            {
                IsPrivate = _private,
                MtuBytes = _mtu,
                AssignV4FromPools = true,
                Routes = [new(InetPrefix.Parse("10.1.0.0/24"), default)],
                Pools = [new(InetAddress.Parse("10.1.0.1"), InetAddress.Parse("10.1.0.12"))],
            });
            Assert.Equal(_mtu, changed.MtuBytes);
            _exists = true;
            _toTell.UnionWith(_members.Where(pair => pair.Value.LastRequestMs is not null || pair.Value.WasMember).Select(pair => pair.Key));
        }

        private void DeleteNetwork()
        {
            Assert.Equal(_exists, _test.Core.DeleteNetwork(_test.NowMs, _test.NetworkId) is not null);
            _test.TakeMessages();
            _exists = false;
            _members.Clear();
            _toTell.Clear();
        }

        private void DeleteMember(Identity node)
        {
            TakeMessages();
            var revoked = _members.Remove(node.Address, out var entry) && entry.IsAuthorized;
            Assert.Equal(entry is not null, _test.Core.DeleteMember(_test.NowMs, _test.NetworkId, node.Address) is not null);
            CheckRevocation(node, revoked);
        }

        private void Authorize(Identity node, bool authorized)
        {
            if (!_exists)
            {
                Assert.Null(_test.Core.SaveMember(_test.NowMs, _test.NetworkId, node.Address, member => member));
                return;
            }

            TakeMessages();
            var isNew = _members.TryAdd(node.Address, new Entry());
            var entry = _members[node.Address];
            var revoked = entry.IsAuthorized && !authorized;
            var changed = isNew || entry.IsAuthorized != authorized;
            entry.IsAuthorized = authorized;
            _test.Authorize(node, authorized);
            if (changed && (entry.LastRequestMs is not null || entry.WasMember))
                _toTell.Add(node.Address);
            CheckRevocation(node, revoked);
        }

        // Every authorized member that is online, or was a member before a restart, gets the revocation. Members with a pending change then get that change.
        private void CheckRevocation(Identity target, bool revoked)
        {
            var expected = revoked ? _members.Where(pair => pair.Value.IsAuthorized && IsReachable(pair.Value)).Select(pair => pair.Key).Order().ToArray() : [];
            var messages = _test.TakeMessages();
            var revocations = messages.Where(message => message.Kind == ControllerMessageKind.Revocation).ToList();
            Assert.Equal(expected, revocations.Select(message => message.To).Order());
            Assert.All(revocations, message => Assert.Equal(target.Address, message.Revocation!.Target));
            CheckPushes(messages.Where(message => message.Kind != ControllerMessageKind.Revocation && (message.To != target.Address || _members.ContainsKey(target.Address))).ToList());
        }

        private void TakeMessages() => CheckPushes(_test.TakeMessages());

        private void CheckPushes(IEnumerable<ControllerMessage> messages)
        {
            // All who are online and whom the change concerns, once each.
            var due = _toTell.Where(address => _members.TryGetValue(address, out var entry) && IsReachable(entry) && (entry.IsAuthorized || !_private || entry.HasConfig));
            Assert.Equal(due.Order(), messages.Select(message => message.To).Order());
            foreach (var message in messages)
                CheckPush(message);

            _toTell.Clear();
        }

        private void CheckPush(ControllerMessage message)
        {
            if (!_members.TryGetValue(message.To, out var entry))
            {
                Assert.Equal(ControllerMessageKind.AccessDenied, message.Kind);
                return;
            }

            Assert.True(IsReachable(entry));
            entry.IsAuthorized |= !_private;
            Assert.Equal(entry.IsAuthorized ? ControllerMessageKind.Config : ControllerMessageKind.AccessDenied, message.Kind);
            Assert.True(entry.IsAuthorized || entry.HasConfig);
            entry.HasConfig = entry.IsAuthorized;
            if (message.Config is not null)
                CheckConfig(message.Config, entry);
        }

        private void Ask(Identity node)
        {
            var entry = _members.GetValueOrDefault(node.Address);
            var reply = _test.AskNow(node);
            if (!_exists)
            {
                Assert.Equal(ControllerReason.NoSuchNetwork, reply.Reason);
                return;
            }

            if (entry?.LastRequestMs is { } last && _test.NowMs - last < 1_000)
            {
                Assert.Equal(ControllerReason.TooSoon, reply.Reason);
                return;
            }

            if (entry is null)
                _members.Add(node.Address, entry = new Entry());
            entry.LastRequestMs = _test.NowMs;
            entry.HasAsked = true;
            entry.IsAuthorized |= !_private;
            entry.HasConfig = entry.IsAuthorized;
            Assert.Equal(entry.IsAuthorized ? ControllerReason.Member : ControllerReason.NotAuthorized, reply.Reason);
            if (reply.Message!.Config is { } config)
                CheckConfig(config, entry);
        }

        private void CheckConfig(NetworkConfig config, Entry entry)
        {
            Assert.Equal(_mtu, config.Mtu);
            var taken = _members.Values.Where(other => other != entry).Select(other => other.Address).ToHashSet();
            if (entry.Address is { } held)
            {
                Assert.Equal(held, Assert.Single(config.StaticAddresses).Address);
            }
            else if (config.StaticAddresses.IsEmpty)
            {
                Assert.Equal(12, taken.Count(address => address is not null));
            }
            else
            {
                var address = Assert.Single(config.StaticAddresses).Address;
                Assert.InRange(address.V4, 0x0a010001u, 0x0a01000cu);
                Assert.DoesNotContain(address, taken.OfType<InetAddress>());
                entry.Address = address;
            }
        }

        private void Check()
        {
            var members = _test.Core.ListMembers(_test.NetworkId);
            Assert.Equal(_exists, members is not null);
            Assert.Equal(_members.Keys.Order(), (members ?? []).Select(member => member.Address));
            foreach (var member in members ?? [])
            {
                var entry = _members[member.Address];
                Assert.Equal(entry.IsAuthorized, member.IsAuthorized);
                Assert.Equal(entry.Address is { } address ? [address] : [], member.Addresses.ToArray());
            }

            Assert.Equal((_members.Values.Count(entry => entry.IsAuthorized), _members.Count), _test.Core.CountMembers(_test.NetworkId));
        }

        private bool IsReachable(Entry entry) =>
            _test.NowMs - (entry.LastRequestMs ?? (entry.WasMember ? _startedMs : long.MinValue / 2)) < 120_000;

        private sealed class Entry
        {
            public bool IsAuthorized { get; set; }

            public bool HasConfig { get; set; }

            public bool HasAsked { get; set; }

            public bool WasMember { get; set; }

            public InetAddress? Address { get; set; }

            public long? LastRequestMs { get; set; }
        }
    }
}
