using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Testing.Tests;

/// <summary>
/// A LAN of a few members on a bad internet: members die and are started again, paths between them are cut and mended, NATs restart, links
/// become better and worse, and members open TCP connections to each other all the while. Everything follows from the seed.
/// </summary>
internal sealed class Churn
{
    private const ushort Port = 7000;
    private const int Members = 6;
    private const int MaxStreamBytes = 120_000;

    private static readonly TimeSpan ConnectionInterval = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan EventInterval = TimeSpan.FromSeconds(45);

    /// <summary>How long a connection may take before its app gives up on it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Lan _lan;
    private readonly Random _random;
    private readonly Member[] _members;
    private readonly List<ChurnEnd> _open = [];
    private TimeSpan _end;

    public Churn(ulong seed)
    {
        _random = new Random((int)seed);
        _lan = new Lan(seed, NewLink());
        _members = new Member[Members];
        for (var i = 0; i < Members; i++)
        {
            var nat = i % 3 == 2 ? _lan.Internet.AddNat((NatKind)_random.Next(4)) : null;
            var host = _lan.Internet.AddHost(nat);
            _members[i] = new Member(host, nat) { Node = host.Start(planet: _lan.Planet) };
            Join(_members[i]);
        }
    }

    /// <summary>How many connections were opened.</summary>
    public int Opened { get; private set; }

    /// <summary>How many both ends called closed cleanly.</summary>
    public int Clean { get; private set; }

    /// <summary>How many bytes were read and compared.</summary>
    public long BytesChecked { get; private set; }

    /// <summary>What went wrong.</summary>
    public List<string> Failures { get; } = [];

    public string Summary => $"{Opened} connections, {Clean} closed cleanly, {BytesChecked} bytes compared, "
        + $"{_lan.Internet.Delivered} datagrams delivered, {_lan.Internet.Lost} lost";

    public void Run(TimeSpan duration)
    {
        _end = Now + duration;
        _lan.Internet.Run(TimeSpan.FromSeconds(5));
        ScheduleConnection();
        ScheduleEvent();
        _lan.Internet.Run(duration);

        // What is open may come to its end, with nothing more happening.
        _lan.Internet.Run(Patience * 2);
    }

    private TimeSpan Now => TimeSpan.FromMicroseconds(_lan.Internet.NowMicroseconds);

    private void ScheduleConnection() => _lan.Internet.Schedule(
        ConnectionInterval * (0.2 + (1.6 * _random.NextDouble())),
        () =>
        {
            if (Now >= _end)
                return;
            Connect();
            ScheduleConnection();
        });

    private void ScheduleEvent() => _lan.Internet.Schedule(
        EventInterval * (0.2 + (1.6 * _random.NextDouble())),
        () =>
        {
            if (Now >= _end)
                return;
            Happen();
            ScheduleEvent();
        });

    private void Happen()
    {
        var member = _members[_random.Next(Members)];
        switch (_random.Next(6))
        {
            case 0 when member.Node is { } node:
                member.Node = null;
                node.Kill();
                _lan.Internet.Schedule(TimeSpan.FromSeconds(1 + _random.Next(240)), () =>
                {
                    member.Node = member.Host.Start(node.Node.Identity, _lan.Planet, state: node.State);
                    Join(member);
                });
                break;
            case 1 or 2:
                var other = _members[_random.Next(Members)];
                if (other == member || !member.Cut.Add(other))
                    break;
                _lan.Internet.Cut(member.Host, other.Host);
                _lan.Internet.Schedule(TimeSpan.FromSeconds(1 + _random.Next(300)), () =>
                {
                    _lan.Internet.Mend(member.Host, other.Host);
                    member.Cut.Remove(other);
                });
                break;
            case 3:
                member.Nat?.Restart();
                break;
            default:
                _lan.Internet.Link = NewLink();
                break;
        }
    }

    private LinkOptions NewLink() => new()
    {
        Latency = TimeSpan.FromMilliseconds(1 + _random.Next(60)),
        Jitter = TimeSpan.FromMilliseconds(_random.Next(10)),
        Loss = _random.Next(3) == 0 ? 0 : 0.03 * _random.NextDouble(),
        Duplication = 0.01 * _random.NextDouble(),
        Corruption = 0.01 * _random.NextDouble(),
        Reordering = 0.03 * _random.NextDouble(),
    };

    private void Join(Member member)
    {
        member.Port = member.Node!.Join(_lan.Network);
        member.IsListening = false;
    }

    /// <summary>Listens once there is a host: the first configuration may take a while to come.</summary>
    private bool TryListen(Member member)
    {
        if (member.Node is null || member.Port is not { IsUp: true, Host: { } host })
            return false;
        if (!member.IsListening)
        {
            member.IsListening = host.ListenTcp(new InetEndpoint(default, Port), new Acceptor(this, member.Node), out _) == NetError.None;
            member.Node.Wake();
        }

        return member.IsListening;
    }

    private void Connect()
    {
        var from = _members[_random.Next(Members)];
        var to = _members[_random.Next(Members)];
        if (from == to || !TryListen(from) || !TryListen(to))
            return;
        var family = _random.Next(2) == 0 ? InetFamily.IPv4 : InetFamily.IPv6;
        if (to.Port!.Host!.Addresses.All(address => address.Address.Family != family || address.Address.IsLinkLocal))
            family = InetFamily.IPv4;
        var number = Opened++;
        var near = new ChurnEnd(number, isClient: true, StreamBytes(), from.Node!);
        var remote = new InetEndpoint(to.Port.AddressOf(family), Port);
        if (from.Port!.Host!.ConnectTcp(_lan.Internet.NowMicroseconds, remote, near, out var connection) != NetError.None)
        {
            Opened--;
            return;
        }

        near.Connection = connection;
        Watch(near);
        from.Node!.Wake();
    }

    private int StreamBytes() => _random.Next(4) == 0 ? _random.Next(200) : _random.Next(MaxStreamBytes);

    private void Watch(ChurnEnd end)
    {
        _open.Add(end);

        // Half of them rest on the way, so that there are always some to which things happen.
        if (_random.Next(2) == 0)
        {
            end.PauseAfter = 8 + _random.Next(MaxStreamBytes);
            _lan.Internet.Schedule(TimeSpan.FromSeconds(_random.Next(150)), () =>
            {
                if (!IsAlive(end.Node))
                    return;
                end.Resume();
                end.Node.Wake();
            });
        }

        _lan.Internet.Schedule(Patience, () =>
        {
            if (!end.IsClosed && IsAlive(end.Node))
            {
                end.Connection!.Abort(_lan.Internet.NowMicroseconds);
                end.Node.Wake();
            }

            Judge(end);
        });
    }

    private bool IsAlive(SimulatedNode node) => _members.Any(member => member.Node == node);

    /// <summary>Looks at a connection once both ends are done, or had their time.</summary>
    private void Judge(ChurnEnd end)
    {
        _open.Remove(end);
        if (end.IsWrong)
            Failures.Add($"{end}: the stream differs at byte {end.Received}");
        BytesChecked += end.Received;
        if (!end.IsClient)
            return;
        if (end.Peer is { IsClosed: true, Reason: NetError.None } peer && end is { IsClosed: true, Reason: NetError.None })
        {
            Clean++;
            if (end.Received != peer.Total || peer.Received != end.Total)
                Failures.Add($"{end} closed cleanly: {end.Received} of {peer.Total} bytes came one way, {peer.Received} of {end.Total} the other");
        }
    }

    private sealed class Member(SimulatedHost host, SimulatedNat? nat)
    {
        public SimulatedHost Host { get; } = host;

        public SimulatedNat? Nat { get; } = nat;

        public SimulatedNode? Node { get; set; }

        public SimulatedPort? Port { get; set; }

        public bool IsListening { get; set; }

        public HashSet<Member> Cut { get; } = [];
    }

    private sealed class Acceptor(Churn churn, SimulatedNode node) : ITcpListenEvents
    {
        public void OnAcceptable(TcpListenSocket listener)
        {
            while (true)
            {
                var end = new ChurnEnd(-1, isClient: false, churn.StreamBytes(), node);
                if (!listener.TryAccept(end, out var connection))
                    return;
                end.Connection = connection;
                end.FindPeer = number => churn._open.Find(other => other.IsClient && other.Number == number);
                churn.Watch(end);
                end.Pump();
                end.Drain();
            }
        }

        public void OnClosed(TcpListenSocket listener, NetError reason)
        {
        }
    }
}
