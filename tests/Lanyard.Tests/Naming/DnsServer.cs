using System.Buffers.Binary;
using System.Text;
using Lanyard.Primitives;

namespace Lanyard.Tests.Naming;

/// <summary>A simple DNS server on a virtual network. It truncates answers over UDP that clients must request over TCP.</summary>
internal sealed class DnsServer : IAsyncDisposable
{
    private readonly Dictionary<string, (string? Alias, InetAddress[] Addresses)> _records = [];
    private readonly LanyardUdpSocket _socket;
    private readonly LanyardListener _listener;
    private readonly Task _serving;

    public DnsServer(LanyardNetwork network)
    {
        _socket = network.OpenUdp(53);
        _listener = network.Listen(53);
        _serving = Task.WhenAll(ServeUdpAsync(), ServeTcpAsync());
    }

    /// <summary>Whether answers over UDP are cut short.</summary>
    public bool Truncates { get; set; }

    /// <summary>Whether it sends wrong answers before the right one: another number, another name.</summary>
    public bool Confuses { get; set; }

    public int Questions { get; private set; }

    /// <summary>The lifetime of answers in seconds, at most 255. Default 60.</summary>
    public byte Seconds { get; set; } = 60;

    /// <summary>The lifetime of denials in seconds, at most 255; null (the default) if denials carry no lifetime.</summary>
    public byte? DenialSeconds { get; set; }

    public void Add(string name, params InetAddress[] addresses) => _records[name] = (null, addresses);

    public void AddAlias(string name, string alias) => _records[name] = (alias, []);

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _listener.Dispose();
        await _serving;
    }

    private async Task ServeUdpAsync()
    {
        var buffer = new byte[512];
        try
        {
            while (true)
            {
                var datagram = await _socket.ReceiveFromAsync(buffer, TestLan.Guard);
                Questions++;
                var answer = Answer(buffer.AsSpan(0, datagram.Length), Truncates);
                if (Confuses)
                {
                    byte[] otherNumber = [(byte)(answer[0] + 1), .. answer[1..]];
                    _socket.SendTo(otherNumber, datagram.Remote);
                    byte[] otherName = [.. answer];
                    otherName[13] ^= 1;
                    _socket.SendTo(otherName, datagram.Remote);
                }

                _socket.SendTo(answer, datagram.Remote);
            }
        }
        catch (ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeTcpAsync()
    {
        try
        {
            while (true)
            {
                await using var stream = await _listener.AcceptAsync(TestLan.Guard);
                var head = new byte[2];
                await stream.ReadExactlyAsync(head, TestLan.Guard);
                var question = new byte[BinaryPrimitives.ReadUInt16BigEndian(head)];
                await stream.ReadExactlyAsync(question, TestLan.Guard);
                var answer = Answer(question, truncate: false);
                BinaryPrimitives.WriteUInt16BigEndian(head, (ushort)answer.Length);
                await stream.WriteAsync((byte[])[.. head, .. answer], TestLan.Guard);
            }
        }
        catch (ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private byte[] Answer(ReadOnlySpan<byte> question, bool truncate)
    {
        var name = ReadText(question[12..], out var length);
        var offset = 12 + length;
        var isV4 = question[offset + 1] == 1;
        var records = new List<byte>();
        var count = 0;
        if (!truncate && _records.TryGetValue(name, out var known))
        {
            foreach (var address in known.Addresses)
            {
                if (address.IsV4 != isV4)
                    continue;
                var bytes = new byte[address.Length];
                address.Write(bytes);
                // The name is that of the question.
                records.AddRange([0xc0, 12, 0, (byte)(isV4 ? 1 : 28), 0, 1, 0, 0, 0, Seconds, 0, (byte)bytes.Length, .. bytes]);
                count++;
            }

            if (known.Alias is not null)
            {
                byte[] alias = [.. known.Alias.Split('.').SelectMany(label => (byte[])[(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]), 0];
                records.AddRange([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, Seconds, 0, (byte)alias.Length, .. alias]);
                count++;
            }
        }

        byte authorities = 0;
        if (count == 0 && DenialSeconds is { } denial)
        {
            // MNAME and RNAME, then serial, refresh, retry, expire and MINIMUM.
            records.AddRange([0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 200, 0, 22, 0, 0, .. new byte[19], denial]);
            authorities = 1;
        }

        var code = truncate || _records.ContainsKey(name) ? 0 : 3;
        return [.. question[..2], (byte)(0x85 | (truncate ? 2 : 0)), (byte)(0x80 | code), 0, 1, 0, (byte)count, 0, authorities, 0, 0, .. question[12..(offset + 4)], .. records];
    }

    private static string ReadText(ReadOnlySpan<byte> labels, out int length)
    {
        var text = new StringBuilder();
        length = 1;
        while (labels[0] > 0)
        {
            text.Append(text.Length > 0 ? "." : "").Append(Encoding.ASCII.GetString(labels.Slice(1, labels[0])));
            length += 1 + labels[0];
            labels = labels[(1 + labels[0])..];
        }

        return text.ToString();
    }
}
