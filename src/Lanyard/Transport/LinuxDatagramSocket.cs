#if NET
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// A UDP socket of Linux that sends and receives many datagrams with one call. What goes to one destination in datagrams of one length
/// passes the system's network stack as one and is cut behind it (<c>UDP_SEGMENT</c>); what comes so is received as one (<c>UDP_GRO</c>).
/// </summary>
internal sealed unsafe class LinuxDatagramSocket : DatagramSocket
{
    private const int ReceiveSlots = 4;
    private const int SlotBytes = 65_536;
    private const int SendBytes = 4 * SlotBytes;
    private const int MaxUnsegmentedKept = 256;

    // With this part of its room for the socket full, what comes is told to come slower, before the system drops it.
    private const int BacklogShare = 3;

    private static readonly Lazy<bool> IsAvailable = new(Probe);

    private readonly SystemMessages _received = new(ReceiveSlots);
    private readonly SystemMessages _sent = new(SendBatch.MaxGroups);
    private readonly HashSet<InetEndpoint> _unsegmented = [];
    private readonly SafeSocketHandle _handle;
    private volatile bool _canSegment;

    public LinuxDatagramSocket(Socket socket)
        : base(socket, SendBytes)
    {
        _handle = socket.SafeHandle;
        // Either may be missing from an old kernel; all works without.
        TrySetOption(LinuxSocketCalls.UdpGro, 1);
        _canSegment = TrySetOption(LinuxSocketCalls.UdpSegment, 0);
    }

    /// <summary>Whether this system has the calls.</summary>
    public static bool IsSupported => IsAvailable.Value;

    public override DatagramBatch CreateBatch() => new(ReceiveSlots * SlotBytes, ReceiveSlots);

    public override void Receive(DatagramBatch batch)
    {
        batch.Clear();
        for (var i = 0; i < ReceiveSlots; i++)
        {
            ref var message = ref _received.Prepare(i, Address(batch.Bytes, i * SlotBytes), SlotBytes);
            message.ControlLength = LinuxSocketCalls.ControlBytes;
        }

        int count;
        while ((count = LinuxSocketCalls.ReceiveMany(_handle, _received.Messages, ReceiveSlots, LinuxSocketCalls.MsgWaitForOne, null)) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error is not (LinuxSocketCalls.Eintr or LinuxSocketCalls.Eagain))
                throw new SocketException(error);
        }

        batch.IsBacklogged = count == ReceiveSlots && IsFilling();
        for (var i = 0; i < count; i++)
        {
            var source = _received.ReadAddress(i);
            if (source.IsNone)
                continue;
            var length = (int)_received.Messages[i].Transferred;
            batch.Add(i * SlotBytes, length, _received.ReadControl(i, LinuxSocketCalls.UdpGro) is var size and > 0 ? size : length, source);
        }
    }

    private protected override bool CanJoin => _canSegment;

    private protected override void SendAll(SendBatch batch)
    {
        var groups = batch.Groups;
        for (var i = 0; i < groups.Length; i++)
        {
            ref readonly var group = ref groups[i];
            _sent.Prepare(i, Address(batch.Bytes, group.Offset), group.TotalBytes);
            _sent.WriteAddress(i, group.Destination);
            if (group.Datagrams > 1)
                _sent.WriteControl(i, LinuxSocketCalls.UdpSegment, group.DatagramBytes);
        }

        var done = 0;
        try
        {
            while (done < groups.Length)
            {
                if (groups[done].Datagrams > 1 && (!_canSegment || _unsegmented.Contains(groups[done].Destination)))
                {
                    SendOneByOne(batch, groups[done++]);
                    continue;
                }

                var next = done + 1;
                while (next < groups.Length && (groups[next].Datagrams == 1 || (_canSegment && !_unsegmented.Contains(groups[next].Destination))))
                    next++;
                var sent = LinuxSocketCalls.SendMany(_handle, _sent.Messages + done, (uint)(next - done), 0);
                if (sent > 0)
                    done += sent;
                else if (!IsToBeTriedAgain(batch, groups[done]))
                    done++;
            }
        }
        catch (ObjectDisposedException)
        {
            // Closed meanwhile: the rest is lost.
            for (; done < groups.Length; done++)
                CountFailures(groups[done].Datagrams);
        }
    }

    private static bool Probe()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture is not (Architecture.X64 or Architecture.Arm64))
            return false;
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            return LinuxSocketCalls.SendMany(socket.SafeHandle, null, 0, 0) == 0;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or SocketException)
        {
            return false;
        }
    }

    private static byte* Address(byte[] pinned, int offset) => (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(pinned, offset);

    // Whether what the system holds for this socket, its own overhead included, is a good part of what it would hold. Where it does not say, it is not.
    private bool IsFilling()
    {
        Span<uint> memory = stackalloc uint[LinuxSocketCalls.MemoryInfoFields];
        try
        {
            Socket.GetRawSocketOption(LinuxSocketCalls.SolSocket, LinuxSocketCalls.SoMemInfo, MemoryMarshal.AsBytes(memory));
            return memory[0] > memory[1] / BacklogShare;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private bool TrySetOption(int option, int value)
    {
        try
        {
            Socket.SetRawSocketOption(LinuxSocketCalls.SolUdp, option, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // A datagram that the system does not take is lost: no route at the moment, a full queue, an address that it refuses.
    private bool IsToBeTriedAgain(SendBatch batch, in SendBatch.Group failed)
    {
        var error = Marshal.GetLastPInvokeError();
        if (error == LinuxSocketCalls.Eintr)
            return true;
        if (failed.Datagrams == 1 || error is not (LinuxSocketCalls.Eio or LinuxSocketCalls.Einval or LinuxSocketCalls.Emsgsize))
        {
            CountFailures(failed.Datagrams);
            return false;
        }

        // The interface cannot divide datagrams (EIO), or the path takes no datagrams of this length in one piece (EINVAL).
        if (error == LinuxSocketCalls.Eio)
            _canSegment = false;
        if (_unsegmented.Count >= MaxUnsegmentedKept)
            _unsegmented.Clear();
        _unsegmented.Add(failed.Destination);
        SendOneByOne(batch, failed);
        return false;
    }

    private void SendOneByOne(SendBatch batch, in SendBatch.Group group)
    {
        for (var offset = 0; offset < group.TotalBytes; offset += group.DatagramBytes)
            SendNow(group.Destination, batch.Bytes.AsSpan(group.Offset + offset, Math.Min(group.DatagramBytes, group.TotalBytes - offset)));
    }

    private protected override void SendNow(in InetEndpoint destination, ReadOnlySpan<byte> datagram)
    {
        try
        {
            Socket.SendTo(datagram, SocketFlags.None, EndpointAddress.ToSocketAddress(destination));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            CountFailures(1);
        }
    }

    /// <summary>The structures that the system's calls take, in memory that does not move.</summary>
    private sealed class SystemMessages
    {
        private const int AddressBytes = 32;
        private const ushort FamilyV4 = 2;
        private const ushort FamilyV6 = 10;
        private const int V4AddressBytes = 16;
        private const int V6AddressBytes = 28;

        private readonly LinuxSocketCalls.Message[] _messages;
        private readonly LinuxSocketCalls.Buffer[] _buffers;
        private readonly LinuxSocketCalls.ControlMessage[] _controls;
        private readonly byte[] _addresses;

        public SystemMessages(int count)
        {
            _messages = GC.AllocateArray<LinuxSocketCalls.Message>(count, pinned: true);
            _buffers = GC.AllocateArray<LinuxSocketCalls.Buffer>(count, pinned: true);
            _controls = GC.AllocateArray<LinuxSocketCalls.ControlMessage>(count, pinned: true);
            _addresses = GC.AllocateArray<byte>(count * AddressBytes, pinned: true);
            for (var i = 0; i < count; i++)
            {
                _messages[i].Name = Address(_addresses, i * AddressBytes);
                _messages[i].Buffers = (LinuxSocketCalls.Buffer*)Marshal.UnsafeAddrOfPinnedArrayElement(_buffers, i);
                _messages[i].BufferCount = 1;
                _messages[i].Control = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_controls, i);
            }
        }

        public LinuxSocketCalls.Message* Messages => (LinuxSocketCalls.Message*)Marshal.UnsafeAddrOfPinnedArrayElement(_messages, 0);

        public ref LinuxSocketCalls.Message Prepare(int index, byte* bytes, int length)
        {
            _buffers[index] = new LinuxSocketCalls.Buffer { Base = bytes, Length = (nuint)length };
            ref var message = ref _messages[index];
            message.NameLength = AddressBytes;
            message.ControlLength = 0;
            message.Flags = 0;
            return ref message;
        }

        public void WriteControl(int index, int type, int value)
        {
            // UDP_SEGMENT takes 16 bits.
            _controls[index] = new LinuxSocketCalls.ControlMessage { Length = (nuint)(sizeof(nuint) + 8 + 2), Level = LinuxSocketCalls.SolUdp, Type = type, Value = value };
            _messages[index].ControlLength = LinuxSocketCalls.ControlBytes;
        }

        public int ReadControl(int index, int type)
        {
            ref readonly var control = ref _controls[index];
            return _messages[index].ControlLength >= (nuint)(sizeof(nuint) + 8 + 4) && control.Level == LinuxSocketCalls.SolUdp && control.Type == type
                ? control.Value
                : 0;
        }

        public void WriteAddress(int index, in InetEndpoint endpoint)
        {
            var bytes = _addresses.AsSpan(index * AddressBytes, AddressBytes);
            bytes.Clear();
            var isV4 = endpoint.Address.IsV4;
            MemoryMarshal.Write(bytes, isV4 ? FamilyV4 : FamilyV6);
            bytes[EndpointAddress.PortOffset] = (byte)(endpoint.Port >> 8);
            bytes[EndpointAddress.PortOffset + 1] = (byte)endpoint.Port;
            endpoint.Address.Write(bytes[(isV4 ? EndpointAddress.V4Offset : EndpointAddress.V6Offset)..]);
            _messages[index].NameLength = isV4 ? V4AddressBytes : (uint)V6AddressBytes;
        }

        public InetEndpoint ReadAddress(int index)
        {
            ReadOnlySpan<byte> bytes = _addresses.AsSpan(index * AddressBytes, AddressBytes);
            var port = (ushort)((bytes[EndpointAddress.PortOffset] << 8) | bytes[EndpointAddress.PortOffset + 1]);
            return MemoryMarshal.Read<ushort>(bytes) switch
            {
                FamilyV4 => new InetEndpoint(InetAddress.FromBytes(bytes.Slice(EndpointAddress.V4Offset, 4)), port),
                FamilyV6 => new InetEndpoint(InetAddress.FromBytes(bytes.Slice(EndpointAddress.V6Offset, 16)), port),
                _ => default,
            };
        }
    }
}
#endif
