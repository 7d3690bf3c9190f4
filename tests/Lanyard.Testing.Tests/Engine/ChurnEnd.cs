using System.Buffers.Binary;
using Lanyard.NetStack;

namespace Lanyard.Testing.Tests;

/// <summary>
/// One end of a connection. It sends eight bytes, the connection's number and how many bytes follow, and then these, which depend on the number,
/// the direction and the place alone; what it reads it compares. The client's number tells the server which connection it is.
/// </summary>
internal sealed class ChurnEnd(int number, bool isClient, int bytes, SimulatedNode node) : ITcpEvents
{
    private const int HeaderBytes = 8;
    private readonly byte[] _header = new byte[HeaderBytes];
    private readonly byte[] _scratch = new byte[16_384];
    private readonly byte[] _room = new byte[16_384];
    private long _sent;

    public int Number { get; private set; } = number;

    public bool IsClient { get; } = isClient;

    public SimulatedNode Node { get; } = node;

    /// <summary>All that this end sends, header and all.</summary>
    public long Total { get; } = HeaderBytes + bytes;

    public TcpConnection? Connection { get; set; }

    /// <summary>For a server's end: finds the client's by its number.</summary>
    public Func<int, ChurnEnd?>? FindPeer { get; set; }

    public ChurnEnd? Peer { get; private set; }

    public long Received { get; private set; }

    public bool IsWrong { get; private set; }

    public bool IsClosed { get; private set; }

    public NetError Reason { get; private set; }

    private long Now => Node.Host.Internet.NowMicroseconds;

    public void OnConnected(TcpConnection connection)
    {
        Connection = connection;
        Pump();
    }

    public void OnReadable(TcpConnection connection)
    {
        Drain();
        Node.Wake();
    }

    public void OnWritable(TcpConnection connection)
    {
        Pump();
        Node.Wake();
    }

    public void OnClosed(TcpConnection connection, NetError reason)
    {
        Connection = connection;
        Drain();
        IsClosed = true;
        Reason = reason;
    }

    /// <summary>After how many bytes this end pauses until <see cref="Resume"/>.</summary>
    public long PauseAfter { get; set; } = long.MaxValue;

    public void Resume()
    {
        PauseAfter = long.MaxValue;
        if (!IsClosed && Connection is not null)
            Pump();
    }

    /// <summary>Writes what there is room for. A server waits for the number first.</summary>
    public void Pump()
    {
        if (!IsClient && Received < HeaderBytes)
            return;
        while (_sent < Total)
        {
            if (_sent >= PauseAfter)
                return;
            var chunk = _scratch.AsSpan(0, (int)Math.Min(_scratch.Length, Math.Min(Total, PauseAfter) - _sent));
            Fill(chunk, _sent, IsClient, Total);
            var taken = Connection!.Write(Now, chunk);
            _sent += taken;
            if (taken < chunk.Length)
                return;
        }

        Connection!.ShutdownSend(Now);
    }

    /// <summary>Reads and compares what is there.</summary>
    public void Drain()
    {
        var expected = new byte[_scratch.Length];
        var hadNumber = Received >= HeaderBytes;
        while (true)
        {
            var room = Received < HeaderBytes ? _header.AsMemory((int)Received) : _room.AsMemory();
            var count = Connection!.Read(Now, room.Span);
            if (count == 0)
            {
                Connection.ReceiveInto(room);
                break;
            }

            if (Received >= HeaderBytes)
            {
                Fill(expected.AsSpan(0, count), Received, !IsClient, 0);
                IsWrong |= !expected.AsSpan(0, count).SequenceEqual(_room.AsSpan(0, count));
            }

            Received += count;
            if (Received == HeaderBytes)
                Introduce();
        }

        if (!hadNumber && Received >= HeaderBytes && !IsClient)
            Pump();
    }

    public override string ToString() => $"connection {Number}, {(IsClient ? "client" : "server")} at {Node.Address}";

    private void Introduce()
    {
        var number = BinaryPrimitives.ReadInt32BigEndian(_header);
        if (IsClient)
        {
            IsWrong |= number != Number;
            return;
        }

        // The client may have given up since. A number that arrived wrong shows in all that follows it.
        Number = number;
        Peer = FindPeer!(number);
        if (Peer is not null)
            Peer.Peer = this;
    }

    /// <summary>The bytes of a stream from a place on.</summary>
    private void Fill(Span<byte> destination, long from, bool ofClient, long total)
    {
        for (var i = 0; i < destination.Length; i++)
        {
            var place = from + i;
            destination[i] = place switch
            {
                < 4 => (byte)(Number >> (int)(24 - (8 * place))),
                < HeaderBytes => (byte)(total >> (int)(56 - (8 * place))),
                _ => (byte)(((place * 0x9e37_79b9) + (Number * 31) + (ofClient ? 17 : 0)) >> 13),
            };
        }
    }
}
