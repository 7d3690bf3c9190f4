using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Supervision;

/// <summary>A datagram that a program's call describes: the locations of its socket address, data and control messages in the program's memory.</summary>
/// <param name="Name">The location of the socket address; 0 for none.</param>
/// <param name="NameLength">The length of the socket address in bytes, or of the buffer for it.</param>
/// <param name="IoVectors">The locations of the data.</param>
/// <param name="Control">The location of the control messages; 0 for none.</param>
/// <param name="ControlLength">The length of the control messages in bytes.</param>
internal sealed record DatagramMessage(nuint Name, int NameLength, Libc.IoVector[] IoVectors, nuint Control, int ControlLength)
{
    private const int MaxBytes = 65_536;
    private const int MaxControlBytes = 4_096;
    private const int MaxIoVectors = 1_024;

    // struct cmsghdr: the length, level 0 (IPPROTO_IP) and type.
    private const int ControlHeaderBytes = 16;
    private const int IpSendOptions = 7; // IP_RETOPTS
    private const int MaxOptionsControlBytes = ControlHeaderBytes + SocketTokens.OptionsBytes + sizeof(long);

    /// <summary>Returns the message of a sendto or recvfrom call, without a length of the socket address.</summary>
    public static DatagramMessage Of(SupervisedCall call) => new(
        call.Arguments[4], 0, [new Libc.IoVector { Base = call.Arguments[1], Length = call.Arguments[2] }], 0, 0);

    /// <summary>Reads the message of sendmsg and similar calls (<c>struct msghdr</c>). Returns 0 or an errno.</summary>
    public static int Read(SupervisedCall call, nuint address, out DatagramMessage message)
    {
        message = new DatagramMessage(0, 0, [], 0, 0);
        if (!call.TryRead<Libc.Message>(address, out var head))
            return Errno.BadAddress;
        if (head.IoVectorCount > MaxIoVectors)
            return Errno.MessageTooLong;
        var vectors = new Libc.IoVector[(int)head.IoVectorCount];
        if (!call.TryRead(head.IoVectors, MemoryMarshal.AsBytes(vectors.AsSpan())))
            return Errno.BadAddress;
        message = new DatagramMessage(head.Name, head.NameLength, vectors, head.Control, (int)Math.Min(head.ControlLength, MaxControlBytes));
        return 0;
    }

    /// <summary>Returns a message with the beginning of a stream's data, up to the size limit, for the connected peer.</summary>
    public DatagramMessage OfStream()
    {
        var room = (nuint)MaxBytes - 1;
        var vectors = IoVectors.Select(vector =>
        {
            var length = Math.Min(room, vector.Length);
            room -= length;
            return vector with { Length = length };
        }).ToArray();
        return this with { Name = 0, NameLength = 0, IoVectors = vectors };
    }

    /// <summary>Returns the source address in the control messages; none if they contain none.</summary>
    public InetAddress ReadSource(SupervisedCall call)
    {
        Span<byte> control = stackalloc byte[MaxControlBytes];
        control = control[..(Control == 0 ? 0 : ControlLength)];
        return call.TryRead(Control, control) && PacketInformation.TryReadSource(control, out var source) ? source : default;
    }

    /// <summary>Sends the datagram without blocking. Returns the number of bytes sent, or a negative errno.</summary>
    /// <param name="call">The program's call.</param>
    /// <param name="socket">The program's socket.</param>
    /// <param name="instead">The destination that replaces the program's; none to keep the program's.</param>
    /// <param name="options">The datagram's IP options; null for the socket's.</param>
    /// <param name="flags">The call's flags.</param>
    public unsafe long Send(SupervisedCall call, SocketDescriptor socket, InetEndpoint instead, byte[]? options, int flags)
    {
        var count = TotalBytes;
        // Longer than any datagram.
        if (count >= MaxBytes)
            return -Errno.MessageTooLong;
        var data = ArrayPool<byte>.Shared.Rent(MaxBytes);
        try
        {
            var room = data.AsSpan(0, (int)count);
            foreach (var vector in IoVectors)
            {
                if (!call.TryRead(vector.Base, room[..(int)vector.Length]))
                    return -Errno.BadAddress;
                room = room[(int)vector.Length..];
            }

            Span<byte> name = stackalloc byte[SocketName.MaxBytes];
            Span<byte> control = stackalloc byte[MaxControlBytes + MaxOptionsControlBytes];
            var nameLength = 0;
            if (!instead.IsNone)
            {
                nameLength = SocketName.Write(instead, socket.Domain, name);
            }
            else if (Name != 0)
            {
                if (NameLength is < 0 or > SocketName.MaxBytes)
                    return -Errno.BadRequest;
                nameLength = NameLength;
                if (!call.TryRead(Name, name[..nameLength]))
                    return -Errno.BadAddress;
            }

            var controlLength = Control == 0 ? 0 : ControlLength;
            if (!call.TryRead(Control, control[..controlLength]))
                return -Errno.BadAddress;
            // The service gets the source address in the request for the destination, so the datagram to the service omits it.
            if (!instead.IsNone)
                controlLength = PacketInformation.RemoveSource(control[..controlLength]);
            if (options is not null)
                controlLength = AddOptions(control, controlLength, options);
            control = control[..controlLength];
            fixed (byte* bytes = data, nameBytes = name, controlBytes = control)
            {
                var vector = new Libc.IoVector { Base = (nuint)bytes, Length = (nuint)count };
                var message = new Libc.Message
                {
                    Name = nameLength == 0 ? 0 : (nuint)nameBytes,
                    NameLength = nameLength,
                    IoVectors = (nuint)(&vector),
                    IoVectorCount = 1,
                    Control = (nuint)controlBytes,
                    ControlLength = (nuint)control.Length,
                };
                var sent = Libc.SendMessage(socket.Number, &message, flags | Libc.DoNotWait | Libc.NoSignal);
                return sent >= 0 ? sent : -Libc.Error;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(data);
        }
    }

    // Appends a control message to the program's own, aligned. Returns the total length.
    private static int AddOptions(Span<byte> control, int length, byte[] options)
    {
        length = (length + sizeof(long) - 1) & ~(sizeof(long) - 1);
        var added = control[length..];
        added[..ControlHeaderBytes].Clear();
        MemoryMarshal.Write(added, (nuint)(ControlHeaderBytes + options.Length));
        MemoryMarshal.Write(added[12..], IpSendOptions);
        options.CopyTo(added[ControlHeaderBytes..]);
        return length + ControlHeaderBytes + options.Length;
    }

    /// <summary>Receives a datagram without blocking. Returns 0 or an errno. The caller returns the datagram's buffer.</summary>
    public unsafe int Receive(SocketDescriptor socket, int flags, out ReceivedDatagram received)
    {
        received = default;
        var data = ArrayPool<byte>.Shared.Rent(MaxBytes);
        var name = new byte[SocketName.MaxBytes];
        var control = new byte[Control == 0 ? 0 : ControlLength];
        fixed (byte* bytes = data, nameBytes = name, controlBytes = control)
        {
            var vector = new Libc.IoVector { Base = (nuint)bytes, Length = (nuint)Math.Min(TotalBytes, MaxBytes) };
            var message = new Libc.Message
            {
                Name = (nuint)nameBytes,
                NameLength = name.Length,
                IoVectors = (nuint)(&vector),
                IoVectorCount = 1,
                Control = (nuint)controlBytes,
                ControlLength = (nuint)control.Length,
            };
            var count = Libc.ReceiveMessage(socket.Number, &message, flags | Libc.DoNotWait);
            if (count < 0)
            {
                var error = Libc.Error;
                ArrayPool<byte>.Shared.Return(data);
                return error;
            }

            received = new ReceivedDatagram(
                data, count, (int)Math.Min((long)vector.Length, count), name.AsMemory(0, Math.Min(message.NameLength, name.Length)),
                control.AsMemory(0, (int)message.ControlLength), message.Flags);
            return 0;
        }
    }

    /// <summary>Writes a received datagram's data and control messages into the program's memory. Returns 0 or an errno.</summary>
    public int WriteData(SupervisedCall call, in ReceivedDatagram received)
    {
        var data = received.Data.AsSpan(0, received.Kept);
        foreach (var vector in IoVectors)
        {
            var part = data[..(int)Math.Min((ulong)vector.Length, (ulong)data.Length)];
            if (!call.TryWrite(vector.Base, part))
                return Errno.BadAddress;
            data = data[part.Length..];
        }

        return call.TryWrite(Control, received.Control.Span) ? 0 : Errno.BadAddress;
    }

    /// <summary>Writes a received datagram's sender, lengths and flags into the program's <c>struct msghdr</c>. Returns 0 or an errno.</summary>
    public int WriteHeader(SupervisedCall call, nuint address, in ReceivedDatagram received, ReadOnlySpan<byte> name)
    {
        if (Name != 0 && !call.TryWrite(Name, name[..Math.Clamp(NameLength, 0, name.Length)]))
            return Errno.BadAddress;
        if (!call.TryRead<Libc.Message>(address, out var head))
            return Errno.BadAddress;
        if (Name != 0)
            head.NameLength = name.Length;
        head.ControlLength = (nuint)received.Control.Length;
        head.Flags = received.Flags;
        return call.TryWrite(address, head) ? 0 : Errno.BadAddress;
    }

    private long TotalBytes
    {
        get
        {
            var total = 0L;
            foreach (var vector in IoVectors)
                total += (long)Math.Min(vector.Length, MaxBytes);
            return total;
        }
    }
}

/// <summary>A received datagram.</summary>
/// <param name="Data">The pooled array that contains the datagram.</param>
/// <param name="Count">The length that the kernel reported, in bytes.</param>
/// <param name="Kept">The number of bytes in <paramref name="Data"/>; fewer if the datagram is truncated.</param>
/// <param name="Name">The sender's socket address.</param>
/// <param name="Control">The control messages.</param>
/// <param name="Flags">The flags that the kernel reported (<c>msg_flags</c>).</param>
internal readonly record struct ReceivedDatagram(byte[] Data, long Count, int Kept, Memory<byte> Name, Memory<byte> Control, int Flags)
{
    /// <summary>Returns the buffer to the pool.</summary>
    public void Return() => ArrayPool<byte>.Shared.Return(Data);
}
