using System.Buffers;
using System.Buffers.Binary;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Simulation;

/// <summary>
/// A whole internet in one thread: hosts, NATs and lossy links in virtual time. Everything that happens follows from the seed and the calls,
/// so a run can be repeated exactly; <see cref="TraceHash"/> shows that it was.
/// </summary>
public sealed class Internet
{
    internal const long TicksPerMicrosecond = 10;
    private static readonly long Epoch = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds() * 1000;

    private readonly TimedEvents _events = new();
    private readonly Dictionary<InetAddress, SimulatedHost> _hosts = [];
    private readonly Dictionary<InetAddress, Nat> _nats = [];
    private readonly HashSet<(object, object)> _cuts = [];
    private readonly Dictionary<Identity, bool> _validated = [];
    private readonly SimulationRandom _random;
    private uint _nextPublicAddress = 0x2d00_0001; // 45.0.0.1 and up: global addresses, as the engine sees them, each in a /24 of its own.

    /// <summary>An internet without hosts.</summary>
    /// <param name="seed">What all chance comes from.</param>
    /// <param name="link">How datagrams are treated on their way; the defaults where none is given.</param>
    public Internet(ulong seed, LinkOptions? link = null)
    {
        _random = new SimulationRandom(seed);
        Link = link ?? new LinkOptions();
        NowMicroseconds = Epoch;
    }

    /// <summary>How datagrams are treated on their way; may be changed at any time.</summary>
    public LinkOptions Link { get; set; }

    /// <summary>The virtual time, in microseconds since 1970. It begins with 2026.</summary>
    public long NowMicroseconds { get; private set; }

    /// <summary>The virtual time, in milliseconds since 1970.</summary>
    public long NowMs => NowMicroseconds / 1000;

    /// <summary>A hash over all datagrams delivered: when, from where, to where, and what.</summary>
    public ulong TraceHash { get; private set; } = 14_695_981_039_346_656_037;

    /// <summary>Datagrams delivered.</summary>
    public long Delivered { get; private set; }

    /// <summary>Datagrams lost on the way: by chance, at a cut, or at a NAT that did not know them.</summary>
    public long Lost { get; private set; }

    /// <summary>Sees every datagram that arrives: from where, to where, and what.</summary>
    public Action<InetEndpoint, InetEndpoint, byte[]>? Tap { get; set; }

    /// <summary>Adds a host with a public address of its own.</summary>
    public SimulatedHost AddHost() => AddHost(null);

    /// <summary>Adds a NAT with a public address of its own.</summary>
    public Nat AddNat(NatKind kind)
    {
        var nat = new Nat(NextPublicAddress(), kind);
        _nats.Add(nat.Address, nat);
        return nat;
    }

    /// <summary>Adds a host with a private address behind a NAT, or with a public one where none is given.</summary>
    public SimulatedHost AddHost(Nat? nat)
    {
        var address = nat is null
            ? NextPublicAddress()
            : InetAddress.FromV4(0xc0a8_0002 + (uint)_hosts.Values.Count(h => ReferenceEquals(h.Nat, nat)));
        var host = new SimulatedHost(this, address, nat);
        if (nat is null)
            _hosts.Add(address, host);
        else
            _hosts.Add(InsideKey(nat, address), host);
        return host;
    }

    /// <summary>Cuts the way between two places, each a <see cref="SimulatedHost"/> or a <see cref="Nat"/>, in both directions.</summary>
    public void Cut(object a, object b)
    {
        _cuts.Add((a, b));
        _cuts.Add((b, a));
    }

    /// <summary>Undoes <see cref="Cut"/>.</summary>
    public void Mend(object a, object b)
    {
        _cuts.Remove((a, b));
        _cuts.Remove((b, a));
    }

    /// <summary>Lets time pass.</summary>
    public void Run(TimeSpan duration)
    {
        var end = NowMicroseconds + (duration.Ticks / TicksPerMicrosecond);
        while (_events.Count > 0 && _events.NextTime <= end)
            Step();
        NowMicroseconds = end;
    }

    /// <summary>Lets time pass until a condition holds; false if it does not within a time.</summary>
    public bool RunUntil(Func<bool> condition, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(condition);
        var end = NowMicroseconds + (limit.Ticks / TicksPerMicrosecond);
        while (!condition())
        {
            if (_events.Count == 0 || _events.NextTime > end)
            {
                NowMicroseconds = end;
                return condition();
            }

            Step();
        }

        return true;
    }

    /// <summary>Has something done at a later time.</summary>
    public void Schedule(TimeSpan delay, Action action) => At(NowMicroseconds + (delay.Ticks / TicksPerMicrosecond), action);

    /// <summary>A number drawn from the seed.</summary>
    public ulong NextRandom() => _random.Next();

    /// <summary>Bytes drawn from the seed.</summary>
    public void Fill(Span<byte> bytes) => _random.Fill(bytes);

    /// <summary>
    /// An identity for a simulated node, made in microseconds: its keys are real, its address is drawn at random, and the internet's nodes take it
    /// for valid. Real nodes would not.
    /// </summary>
    public Identity CreateIdentity()
    {
        using var key = WorldKey.Generate(_random.Fill);
        Span<byte> bytes = stackalloc byte[Identity.SecretBinarySize];
        new NodeAddress((NextRandom() & 0xff_ffff_ffff) % 0xfe_0000_0000 + 1).Write(bytes);
        bytes[NodeAddress.Size] = 0;
        key.PublicKey.CopyTo(bytes[(NodeAddress.Size + 1)..]);
        bytes[Identity.BinarySize - 1] = Identity.SecretKeySize;
        key.CopySecretKey(bytes[Identity.BinarySize..]);
        if (!Identity.TryRead(bytes, out var identity, out _))
            throw new InvalidOperationException("The generated identity is malformed.");
        bytes.Clear();
        _validated[identity] = true;
        return identity;
    }

    /// <summary>Puts a datagram of any content, from any address, before a node: what an attacker can do.</summary>
    public void Inject(SimulatedNode target, InetEndpoint source, Span<byte> datagram)
    {
        ArgumentNullException.ThrowIfNull(target);
        target.Receive(source, target.Port, datagram);
    }

    internal bool Validate(Identity identity)
    {
        if (!_validated.TryGetValue(identity, out var isValid))
            _validated.Add(identity, isValid = identity.Validate());
        return isValid;
    }

    internal void At(long timeMicroseconds, Action action) => _events.Add(Math.Max(timeMicroseconds, NowMicroseconds), action);

    internal void Send(SimulatedHost from, ushort port, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        var source = new InetEndpoint(from.Address, port);
        object place = from;
        if (from.Nat is { } nat)
        {
            if (_hosts.TryGetValue(InsideKey(nat, destination.Address), out var neighbor))
            {
                Carry(from, neighbor, source, destination, neighbor, datagram);
                return;
            }

            source = nat.MapOutbound(NowMicroseconds, source, destination);
            place = nat;
        }

        // A short-lived datagram gets through the sender's own NAT, no further.
        if (timeToLive is > 0 and < 4)
            return;
        if (_nats.TryGetValue(destination.Address, out var remoteNat))
            Carry(place, remoteNat, source, destination, null, datagram);
        else if (_hosts.TryGetValue(destination.Address, out var host))
            Carry(place, host, source, destination, host, datagram);
        else
            Lost++;
    }

    private InetAddress NextPublicAddress()
    {
        var address = InetAddress.FromV4(_nextPublicAddress);
        _nextPublicAddress += 0x100;
        return address;
    }

    // Hosts behind different NATs may have the same address: the NAT's address makes the key unique, in a range that is used for nothing else.
    private static InetAddress InsideKey(Nat nat, InetAddress address) => InetAddress.FromV6(nat.Address.V4, address.V4);

    private void Carry(object fromPlace, object toPlace, InetEndpoint source, InetEndpoint destination, SimulatedHost? host, ReadOnlySpan<byte> datagram)
    {
        if (_cuts.Contains((fromPlace, toPlace)) || _random.Chance(Link.Loss))
        {
            Lost++;
            return;
        }

        var copies = _random.Chance(Link.Duplication) ? 2 : 1;
        for (var i = 0; i < copies; i++)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(datagram.Length);
            var length = datagram.Length;
            datagram.CopyTo(buffer);
            if (length > 0 && _random.Chance(Link.Corruption))
                buffer[(int)(NextRandom() % (ulong)length)] ^= (byte)(1 << (int)(NextRandom() % 8));
            var delay = Link.Latency.Ticks;
            if (Link.Jitter.Ticks > 0)
                delay += (long)(NextRandom() % (ulong)Link.Jitter.Ticks);
            if (_random.Chance(Link.Reordering))
                delay += (long)(NextRandom() % (ulong)Math.Max(Link.Latency.Ticks * 10, 1));
            At(NowMicroseconds + (delay / TicksPerMicrosecond), () => Arrive(source, destination, toPlace, host, buffer, length));
        }
    }

    private void Arrive(InetEndpoint source, InetEndpoint destination, object place, SimulatedHost? host, byte[] buffer, int length)
    {
        if (place is Nat nat)
        {
            host = nat.TryMapInbound(NowMicroseconds, destination.Port, source, out var inside)
                && _hosts.TryGetValue(InsideKey(nat, inside.Address), out var behind) ? behind : null;
            destination = inside;
        }

        if (host is null)
        {
            Lost++;
        }
        else
        {
            Delivered++;
            Trace(source, destination, buffer.AsSpan(0, length));
            Tap?.Invoke(source, destination, buffer.AsSpan(0, length).ToArray());
            host.Deliver(source, destination.Port, buffer.AsSpan(0, length));
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private void Trace(InetEndpoint source, InetEndpoint destination, ReadOnlySpan<byte> datagram)
    {
        Mix((ulong)NowMicroseconds);
        Mix(((ulong)source.Address.V4 << 32) | destination.Address.V4);
        Mix(((ulong)source.Port << 48) | ((ulong)destination.Port << 32) | (uint)datagram.Length);
        for (; datagram.Length >= sizeof(ulong); datagram = datagram[sizeof(ulong)..])
            Mix(BinaryPrimitives.ReadUInt64LittleEndian(datagram));
        foreach (var b in datagram)
            Mix(b);
    }

    private void Mix(ulong value)
    {
        TraceHash = (TraceHash ^ value) * 0x9e37_79b9_7f4a_7c15;
        TraceHash ^= TraceHash >> 29;
    }

    private void Step()
    {
        var action = _events.Take(out var time);
        NowMicroseconds = time;
        action();
    }
}
