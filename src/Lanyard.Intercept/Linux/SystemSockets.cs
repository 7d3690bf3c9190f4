using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Linux;

/// <summary>
/// Finds the socket with an address (<c>sock_diag(7)</c>). Some containers do not permit that; then only a failed bind shows
/// that an address is in use.
/// </summary>
internal sealed unsafe class SystemSockets : IDisposable
{
    private const int RawType = 3;
    private const int Diagnostics = 4; // NETLINK_SOCK_DIAG
    private const ushort ByFamily = 20; // SOCK_DIAG_BY_FAMILY
    private const ushort Request = 1; // NLM_F_REQUEST
    private const ushort Dump = 0x300; // NLM_F_DUMP
    private const uint ListenState = 1 << 10; // TCP_LISTEN
    private const int DumpRoom = 32_768;
    private const byte Tcp = 6;
    private const byte Udp = 17;
    private const int ReplyRoom = 1024;

    private readonly Lock _lock = new();
    private int _socket = Libc.Socket(Libc.DomainNetlink, RawType | Libc.CloseOnExec, Diagnostics);
    private uint _sequence;

    /// <summary>Whether the kernel answers requests.</summary>
    public bool IsAvailable => Volatile.Read(ref _socket) >= 0;

    /// <summary>Finds the TCP socket that listens on an address, or the UDP socket that is bound to it and not connected.</summary>
    /// <param name="type">The socket type: TCP or UDP.</param>
    /// <param name="near">The IPv4 address and port, of a socket of either family.</param>
    /// <param name="user">The user that created the socket.</param>
    /// <param name="cookie">The kernel's socket cookie.</param>
    public bool TryFind(InterceptSocketType type, InetEndpoint near, out uint user, out ulong cookie) => TryFind(type, near, default, out user, out cookie);

    /// <summary>Finds the socket that is connected from an address to another address.</summary>
    public bool TryFind(InterceptSocketType type, InetEndpoint near, InetEndpoint far, out uint user, out ulong cookie)
    {
        var ask = new Question
        {
            Length = (uint)sizeof(Question),
            Type = ByFamily,
            Flags = Request,
            Family = Libc.DomainV4,
            Protocol = type == InterceptSocketType.Stream ? Tcp : Udp,
            States = uint.MaxValue,
            Cookie = ulong.MaxValue,
        };
        var (own, ownPort) = (BinaryPrimitives.ReverseEndianness(near.Address.V4), BinaryPrimitives.ReverseEndianness(near.Port));
        var (other, otherPort) = far.IsNone ? (0u, (ushort)0) : (BinaryPrimitives.ReverseEndianness(far.Address.V4), BinaryPrimitives.ReverseEndianness(far.Port));
        // A request for UDP describes a datagram, and finds its receiver.
        if (type == InterceptSocketType.Stream)
            (ask.Source[0], ask.SourcePort, ask.Destination[0], ask.DestinationPort) = (own, ownPort, other, otherPort);
        else
            (ask.Source[0], ask.SourcePort, ask.Destination[0], ask.DestinationPort) = (other, otherPort, own, ownPort);
        user = 0;
        cookie = 0;
        Answer answer = default;
        lock (_lock)
        {
            ask.Sequence = ++_sequence;
            if (!TryAsk(ask, &answer))
                return false;
        }

        user = answer.User;
        cookie = answer.Cookie;
        return true;
    }

    /// <summary>Returns whether a socket still listens on a port (TCP) or is bound to it (UDP). Searches all sockets that share the port.</summary>
    /// <param name="type">The socket type: TCP or UDP.</param>
    /// <param name="port">The port.</param>
    /// <param name="cookie">The kernel's cookie of the socket.</param>
    public bool Contains(InterceptSocketType type, ushort port, ulong cookie)
    {
        lock (_lock)
        {
            foreach (var family in (ReadOnlySpan<byte>)[Libc.DomainV4, Libc.DomainV6])
            {
                var ask = new Question
                {
                    Length = (uint)sizeof(Question),
                    Type = ByFamily,
                    Flags = Request | Dump,
                    Sequence = ++_sequence,
                    Family = family,
                    Protocol = type == InterceptSocketType.Stream ? Tcp : Udp,
                    States = type == InterceptSocketType.Stream ? ListenState : uint.MaxValue,
                    SourcePort = BinaryPrimitives.ReverseEndianness(port),
                    Cookie = ulong.MaxValue,
                };
                if (HasAnswer(ask, cookie))
                    return true;
            }
        }

        return false;
    }

    public void Dispose()
    {
        // Waits for a request in progress; later requests find no socket.
        lock (_lock)
            _ = Libc.Close(Interlocked.Exchange(ref _socket, -1));
    }

    private bool TryAsk(Question ask, Answer* answer)
    {
        if (Transfer(&ask, sizeof(Question), isSending: true) != sizeof(Question))
            return false;
        var reply = stackalloc byte[ReplyRoom];
        nint length;
        // Skip replies to earlier requests.
        do
            length = Transfer(reply, ReplyRoom, isSending: false);
        while (length >= sizeof(Answer) && ((Answer*)reply)->Sequence != ask.Sequence);
        if (length < sizeof(Answer) || ((Answer*)reply)->Type != ByFamily)
            return false;
        *answer = *(Answer*)reply;
        return true;
    }

    // Reads all messages of a dump, several with each receive call, until the message of another type that ends the dump.
    private bool HasAnswer(Question ask, ulong cookie)
    {
        if (Transfer(&ask, sizeof(Question), isSending: true) != sizeof(Question))
            return false;
        var reply = stackalloc byte[DumpRoom];
        var isFound = false;
        while (Transfer(reply, DumpRoom, isSending: false) is var length and > 0)
        {
            for (nint at = 0; at + 16 <= length;)
            {
                var answer = (Answer*)(reply + at);
                if (answer->Sequence == ask.Sequence && (answer->Type != ByFamily || answer->Length < sizeof(Answer)))
                    return isFound;
                isFound |= answer->Sequence == ask.Sequence && answer->Cookie == cookie;
                if (answer->Length < 16)
                    return isFound;
                at += (nint)((answer->Length + 3) & ~3u);
            }
        }

        return isFound;
    }

    // The kernel replies before the send call returns.
    private nint Transfer(void* data, int length, bool isSending)
    {
        var vector = new Libc.IoVector { Base = (nuint)data, Length = (nuint)length };
        var message = new Libc.Message { IoVectors = (nuint)(&vector), IoVectorCount = 1 };
        return isSending ? Libc.SendMessage(_socket, &message, Libc.DoNotWait) : Libc.ReceiveMessage(_socket, &message, Libc.DoNotWait);
    }

    /// <summary><c>struct nlmsghdr</c> and <c>struct inet_diag_req_v2</c>; addresses and ports are in network byte order.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private struct Question
    {
        public uint Length;
        public ushort Type;
        public ushort Flags;
        public uint Sequence;
        public uint Sender;
        public byte Family;
        public byte Protocol;
        public ushort Extensions;
        public uint States;
        public ushort SourcePort;
        public ushort DestinationPort;
        public fixed uint Source[4];
        public fixed uint Destination[4];
        public uint Interface;
        public ulong Cookie;
    }

    /// <summary><c>struct nlmsghdr</c> and <c>struct inet_diag_msg</c>.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private struct Answer
    {
        public uint Length;
        public ushort Type;
        public ushort Flags;
        public uint Sequence;
        public uint Sender;
        public uint State;
        public uint Ports;
        public fixed uint Addresses[8];
        public uint Interface;
        public ulong Cookie;
        public uint Expires;
        public uint ReceiveQueue;
        public uint SendQueue;
        public uint User;
        public uint Inode;
    }
}
