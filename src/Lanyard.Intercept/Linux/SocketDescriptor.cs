using System.Runtime.InteropServices;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Linux;

/// <summary>A duplicate of a descriptor of a program's socket. Every change of the socket affects the program.</summary>
internal sealed unsafe class SocketDescriptor : IDisposable
{
    public const int SoAttachFilter = 26; // SO_GET_FILTER as well

    private const int SolSocket = Libc.SolSocket;
    private const int SoReuseAddress = 2;
    private const int SoType = 3;
    private const int SoError = 4;
    private const int SoBroadcast = 6;
    private const int SoSendBuffer = 7;
    private const int SoReceiveBuffer = 8;
    private const int SoLinger = 13;
    private const int SoReusePort = 15;
    private const int SoReceiveTimeout = 20;
    private const int SoSendTimeout = 21;
    private const int SoLockFilter = 44;
    private const int SoProtocol = 38;
    private const int SoDomain = 39;
    private const int SoCookie = 57;
    private const int ProtocolTcp = Libc.Tcp;
    private const int TcpFastOpenConnect = 30;
    private const int ProtocolUdp = Libc.Udp;
    private const int ProtocolMultipathTcp = Libc.MultipathTcp;
    private const int ProtocolV6 = 41;
    private const int V6Only = 26;
    private const int ProtocolIp = 0;
    private const int IpOptions = 4;

    // Options of IPPROTO_IP and IPPROTO_IPV6: traffic class, unicast hop limit, multicast hop limit, multicast loopback.
    private static readonly (int Traffic, int HopLimit, int GroupHopLimit, int GroupLoop) s_optionsV4 = (1, 2, 33, 34);
    private static readonly (int Traffic, int HopLimit, int GroupHopLimit, int GroupLoop) s_optionsV6 = (67, 16, 18, 19);

    private int _descriptor;

    /// <param name="descriptor">The descriptor. This object closes it.</param>
    public SocketDescriptor(int descriptor)
    {
        _descriptor = descriptor;
        var domain = Option(SolSocket, SoDomain);
        if (domain is not (Libc.DomainV4 or Libc.DomainV6))
            return;
        Type = (Option(SolSocket, SoType), Option(SolSocket, SoProtocol)) switch
        {
            (Libc.StreamType, ProtocolTcp or ProtocolMultipathTcp) => InterceptSocketType.Stream,
            (Libc.DatagramType, ProtocolUdp) => InterceptSocketType.Datagram,
            _ => 0,
        };
        Domain = Type == 0 ? 0 : domain;
    }

    public int Number => _descriptor;

    /// <summary>AF_INET or AF_INET6; 0 if the socket cannot be redirected.</summary>
    public int Domain { get; }

    /// <summary>The type of the socket; 0 if it cannot be redirected.</summary>
    public InterceptSocketType Type { get; }

    public bool IsNonBlocking => (Libc.Flags(_descriptor, Libc.GetStatusFlags, 0) & Libc.NonBlocking) != 0;

    /// <summary>The kernel's socket cookie: the same for all descriptors of the socket, and never reused.</summary>
    public ulong Cookie
    {
        get
        {
            ulong cookie = 0;
            var length = sizeof(ulong);
            return Libc.GetOption(_descriptor, SolSocket, SoCookie, &cookie, &length) == 0 ? cookie : 0;
        }
    }

    /// <summary>The user that created the socket.</summary>
    public uint? User => Libc.TryGetUser(_descriptor, out var user) ? user : null;

    /// <summary>Whether the socket is a Multipath TCP socket, which virtual connections do not support.</summary>
    public bool IsMultipath => Option(SolSocket, SoProtocol) == ProtocolMultipathTcp;

    /// <summary>Whether closing the last descriptor may wait until pending data are sent (<c>SO_LINGER</c>).</summary>
    public bool IsLingering
    {
        get
        {
            // struct linger: the switch, and the timeout in seconds.
            var linger = stackalloc int[2];
            var length = 2 * sizeof(int);
            return Type == InterceptSocketType.Stream && Libc.GetOption(_descriptor, SolSocket, SoLinger, linger, &length) == 0 && linger[0] != 0 && linger[1] != 0;
        }
    }

    /// <summary>Turns off SO_LINGER, so that closing the socket does not wait.</summary>
    public void StopLingering()
    {
        var linger = 0L;
        _ = Libc.SetOption(_descriptor, SolSocket, SoLinger, &linger, sizeof(long));
    }

    /// <summary>The timeout of receiving and accepting; null for none.</summary>
    public TimeSpan? ReceiveTimeout => Time(SoReceiveTimeout);

    /// <summary>The timeout of sending; null for none.</summary>
    public TimeSpan? SendTimeout => Time(SoSendTimeout);

    /// <summary>The values of the socket's options.</summary>
    public SocketTraits Traits =>
        (Domain == Libc.DomainV6 ? SocketTraits.V6 : 0)
        | (Domain == Libc.DomainV6 && Option(ProtocolV6, V6Only) != 0 ? SocketTraits.V6Only : 0)
        | (Option(SolSocket, SoReusePort) != 0 ? SocketTraits.ReusePort : 0)
        | (Option(SolSocket, SoReuseAddress) != 0 ? SocketTraits.ReuseAddress : 0);

    /// <summary>The socket options that apply to datagrams.</summary>
    public DatagramSettings DatagramSettings
    {
        get
        {
            var (level, options) = Domain == Libc.DomainV6 ? (ProtocolV6, s_optionsV6) : (ProtocolIp, s_optionsV4);
            // An IPv6 socket has a separate option for IPv4 groups.
            return new DatagramSettings(
                (byte)Option(level, options.Traffic), HopLimit(Option(level, options.HopLimit), 64), HopLimit(Option(level, options.GroupHopLimit), 1),
                Option(level, options.GroupLoop) != 0 && Option(ProtocolIp, s_optionsV4.GroupLoop) != 0);
        }
    }

    public bool TryGetNear(out InetEndpoint near) => TryGetName(isFar: false, out near);

    public bool TryGetFar(out InetEndpoint far) => TryGetName(isFar: true, out far);

    /// <summary>Returns and clears the pending error: 0 or an errno.</summary>
    public int TakeError() => Option(SolSocket, SoError);

    /// <summary>Turns off IPV6_V6ONLY, because loopback alias addresses are of IPv4.</summary>
    public void ReachV4()
    {
        if (Domain == Libc.DomainV6 && Option(ProtocolV6, V6Only) != 0)
            SetOption(ProtocolV6, V6Only, 0);
    }

    /// <summary>Whether another socket may be bound to the same address (<c>SO_REUSEADDR</c>).</summary>
    public bool IsReusing
    {
        set => SetOption(SolSocket, SoReuseAddress, value ? 1 : 0);
    }

    /// <summary>Whether the socket may send broadcasts (<c>SO_BROADCAST</c>).</summary>
    public bool Broadcasts
    {
        get => Option(SolSocket, SoBroadcast) != 0;
        set => SetOption(SolSocket, SoBroadcast, value ? 1 : 0);
    }

    /// <summary>Sets an option. Returns 0 or an errno.</summary>
    public int SetOption(int level, int option, ReadOnlySpan<byte> value)
    {
        fixed (byte* bytes = value)
            return Libc.SetOption(_descriptor, level, option, bytes, value.Length) == 0 ? 0 : Libc.Error;
    }

    /// <summary>Binds the socket to a loopback alias address. Returns 0 or an errno.</summary>
    /// <param name="near">The loopback alias address and port.</param>
    /// <param name="isSharing">Whether a socket that allows sharing is already bound to the address.</param>
    public int Bind(InetEndpoint near, bool isSharing = false)
    {
        ReachV4();
        // Disallow sharing, or a socket of another user could share the address. Also, the kernel finds a socket with SO_REUSEPORT after other sockets.
        var sharesPort = Type == InterceptSocketType.Datagram && Option(SolSocket, SoReusePort) != 0;
        IsReusing = isSharing;
        if (sharesPort)
            SetOption(SolSocket, SoReusePort, 0);
        var error = BindAt(near);
        IsReusing = false;
        if (sharesPort)
            SetOption(SolSocket, SoReusePort, 1);
        return error;
    }

    /// <summary>Binds the socket to a port on the wildcard address of the system. Returns 0 or an errno.</summary>
    public int BindToSystem(ushort port)
    {
        ReachV4();
        return BindAt(new InetEndpoint(InetAddress.AnyV4, port));
    }

    private int BindAt(InetEndpoint endpoint)
    {
        var name = stackalloc byte[SocketName.MaxBytes];
        var length = SocketName.Write(endpoint, Domain, new Span<byte>(name, SocketName.MaxBytes));
        return Libc.Bind(_descriptor, name, length) == 0 ? 0 : Libc.Error;
    }

    /// <summary>Attaches a filter for the life of the socket. Returns 0 or an errno.</summary>
    public int Attach(ReadOnlySpan<FilterStep> filter)
    {
        var error = SocketFilter.Attach(_descriptor, filter);

        // A previous service process may have attached the same filter.
        if (error != 0 && !HasFilter(filter))
            return error;
        var isLocked = 1;
        return Libc.SetOption(_descriptor, SolSocket, SoLockFilter, &isLocked, sizeof(int)) == 0 ? 0 : Libc.Error;
    }

    /// <summary>Sets the IP options of all datagrams that the socket sends. Returns 0 or an errno.</summary>
    public int SetOptions(ReadOnlySpan<byte> options) => SetOption(ProtocolIp, IpOptions, options);

    /// <summary>Connects without blocking. Returns 0 or an errno: <see cref="Errno.InProgress"/> for a TCP socket that starts to connect.</summary>
    public int Connect(InetEndpoint far)
    {
        var name = stackalloc byte[SocketName.MaxBytes];
        var length = SocketName.Write(far, Domain, new Span<byte>(name, SocketName.MaxBytes));
        var flags = Libc.Flags(_descriptor, Libc.GetStatusFlags, 0);
        var isBlocking = Type == InterceptSocketType.Stream && (flags & Libc.NonBlocking) == 0;
        if (isBlocking)
            _ = Libc.Flags(_descriptor, Libc.SetStatusFlags, flags | Libc.NonBlocking);
        // With TCP_FASTOPEN_CONNECT, the kernel would report a connected socket and connect only with the first data.
        if (Type == InterceptSocketType.Stream)
            SetOption(ProtocolTcp, TcpFastOpenConnect, 0);
        var error = Libc.Connect(_descriptor, name, length) == 0 ? 0 : Libc.Error;
        if (isBlocking)
            _ = Libc.Flags(_descriptor, Libc.SetStatusFlags, flags);
        return error;
    }

    public int Listen(int backlog) => Libc.Listen(_descriptor, backlog) == 0 ? 0 : Libc.Error;

    /// <summary>Returns whether an event is pending (<see cref="Libc.PollIn"/>, <see cref="Libc.PollOut"/>), without waiting.</summary>
    public bool IsReady(int events)
    {
        var entry = new Libc.PollEntry { Descriptor = _descriptor, Wanted = (short)events };
        return Libc.Poll(&entry, 1, 0) > 0;
    }

    /// <summary>Creates an unbound socket of the same type with the same options. Returns null on failure.</summary>
    /// <param name="protocol">The protocol; 0 for the default of the type.</param>
    public SocketDescriptor? CreateAlike(int protocol = 0)
    {
        var descriptor = Libc.Socket(Domain, (int)Type | Libc.CloseOnExec, protocol);
        if (descriptor < 0)
            return null;
        var fresh = new SocketDescriptor(descriptor);
        foreach (var (level, option, bytes) in InterceptTables.KeptOptions)
            CopyOption(level, option, bytes, fresh);

        foreach (var buffer in (int[])[SoSendBuffer, SoReceiveBuffer])
        {
            // The kernel doubles the size that it is given.
            if (Option(SolSocket, buffer) is var bytes && bytes != fresh.Option(SolSocket, buffer))
                fresh.SetOption(SolSocket, buffer, bytes / 2);
        }

        _ = Libc.Flags(descriptor, Libc.SetStatusFlags, Libc.Flags(_descriptor, Libc.GetStatusFlags, 0));
        return fresh;
    }

    /// <summary>Binds the socket to a port on the wildcard address of the system. Returns 0 or an errno.</summary>
    public int BindToPort(ushort port)
    {
        // The socket that this replaces was bound with SO_REUSEADDR off, so the program's value is unknown.
        if (Type == InterceptSocketType.Stream)
            SetOption(SolSocket, SoReuseAddress, 1);
        return BindAt(new InetEndpoint(Domain == Libc.DomainV4 ? InetAddress.AnyV4 : InetAddress.AnyV6, port));
    }

    /// <summary>Releases the descriptor: disposing this object no longer closes it.</summary>
    public int Release() => Interlocked.Exchange(ref _descriptor, -1);

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
            _ = Libc.Close(descriptor);
    }

    private void CopyOption(int level, int option, int bytes, SocketDescriptor to)
    {
        byte* old = stackalloc byte[bytes], fresh = stackalloc byte[bytes];
        int oldLength = bytes, freshLength = bytes;
        if (Libc.GetOption(_descriptor, level, option, old, &oldLength) == 0 && Libc.GetOption(to._descriptor, level, option, fresh, &freshLength) == 0
            && !new ReadOnlySpan<byte>(old, oldLength).SequenceEqual(new ReadOnlySpan<byte>(fresh, freshLength)))
            _ = Libc.SetOption(to._descriptor, level, option, old, oldLength);
    }

    private bool TryGetName(bool isFar, out InetEndpoint endpoint)
    {
        var name = stackalloc byte[SocketName.MaxBytes];
        var length = SocketName.MaxBytes;
        endpoint = default;
        return (isFar ? Libc.GetPeerName(_descriptor, name, &length) : Libc.GetSocketName(_descriptor, name, &length)) == 0
            && SocketName.TryRead(new ReadOnlySpan<byte>(name, Math.Min(length, SocketName.MaxBytes)), out endpoint);
    }

    /// <summary>Returns whether the socket has this filter.</summary>
    public bool HasFilter(ReadOnlySpan<FilterStep> filter)
    {
        // The length is in steps.
        var present = stackalloc FilterStep[filter.Length];
        var count = filter.Length;
        return Libc.GetOption(_descriptor, SolSocket, SoAttachFilter, present, &count) == 0 && count == filter.Length
            && MemoryMarshal.AsBytes(new ReadOnlySpan<FilterStep>(present, count)).SequenceEqual(MemoryMarshal.AsBytes(filter));
    }

    // The option value -1 selects the default.
    private static byte HopLimit(int option, byte usual) => option is >= 0 and <= byte.MaxValue ? (byte)option : usual;

    /// <summary>Returns the value of an option; 0 if the system does not report it.</summary>
    public int Option(int level, int option)
    {
        var value = 0;
        var length = sizeof(int);
        return Libc.GetOption(_descriptor, level, option, &value, &length) == 0 ? value : 0;
    }

    /// <summary>Returns the value of a text option; empty if the system does not report it.</summary>
    public string TextOption(int level, int option)
    {
        const int room = 16; // TCP_CA_NAME_MAX
        var text = stackalloc byte[room];
        var length = room;
        return Libc.GetOption(_descriptor, level, option, text, &length) == 0 ? System.Text.Encoding.ASCII.GetString(text, Math.Min(length, room)).TrimEnd('\0') : "";
    }

    public void SetOption(int level, int option, int value) => _ = Libc.SetOption(_descriptor, level, option, &value, sizeof(int));

    // struct timeval.
    private TimeSpan? Time(int option)
    {
        var value = stackalloc long[2];
        var length = 2 * sizeof(long);
        return Libc.GetOption(_descriptor, SolSocket, option, value, &length) == 0 && (value[0] | value[1]) != 0
            ? TimeSpan.FromSeconds(Math.Min(value[0], int.MaxValue)) + TimeSpan.FromMicroseconds(value[1]) : null;
    }
}

/// <summary>The options of a UDP socket that apply to its datagrams.</summary>
/// <param name="TrafficClass">The type of service or traffic class.</param>
/// <param name="HopLimit">The hop limit of unicast datagrams.</param>
/// <param name="GroupHopLimit">The hop limit of multicast datagrams.</param>
/// <param name="LoopsBack">Whether sockets of this node receive the socket's own multicast datagrams.</param>
internal readonly record struct DatagramSettings(byte TrafficClass, byte HopLimit, byte GroupHopLimit, bool LoopsBack);

/// <summary>The options of a socket, as flags.</summary>
[Flags]
internal enum SocketTraits
{
    None = 0,
    V6 = 1,
    V6Only = 2,
    ReusePort = 4,
    ReuseAddress = 8,
    Echo = 16,
    Client = 32,
}
