using System.Buffers;
using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>Queries the DNS servers of a virtual network over that network: for addresses of both families at the same time, each server twice.</summary>
internal sealed class DnsClient(LanyardNetwork network)
{
    private const ushort Port = 53;
    private const int MaxServers = 4;
    private const int Rounds = 2;
    private const int MaxAliases = 4;
    private const int MaxDatagramBytes = 4_096;
    private const int MaxStreamBytes = 65_535;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Queries a name's addresses.</summary>
    /// <param name="servers">The servers. The first answer counts.</param>
    /// <param name="name">The encoded name: see <see cref="DnsName"/>.</param>
    /// <param name="types">The requested record types.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The addresses and their lifetime in seconds; no addresses if the name does not exist or has none; null if no server answered.</returns>
    public async Task<(InetAddress[] Addresses, uint Seconds)?> FindAsync(
        IEnumerable<InetAddress> servers, byte[] name, DnsRecordType[] types, CancellationToken cancellationToken)
    {
        var candidates = servers.Take(MaxServers).ToArray();
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var server in candidates)
            {
                if (await AskAsync(server, name, types, cancellationToken).ConfigureAwait(false) is { } found)
                    return found;
            }
        }

        return null;
    }

    // Returns null if the server does not answer, or answers with an error.
    private async Task<(InetAddress[] Addresses, uint Seconds)?> AskAsync(InetAddress server, byte[] name, DnsRecordType[] types, CancellationToken cancellationToken)
    {
        var found = new List<InetAddress>();
        var seconds = uint.MaxValue;
        var asked = types.Select(type => (Name: name, Type: type)).ToArray();
        for (var step = 0; step <= MaxAliases && asked.Length > 0; step++)
        {
            if (await AskOnceAsync(server, asked, cancellationToken).ConfigureAwait(false) is not { } answers)
                return null;
            if (answers.Any(answer => answer.Code is not (DnsMessage.CodeNoError or DnsMessage.CodeNoSuchName)))
                return null;
            found.AddRange(answers.SelectMany(answer => answer.Addresses));
            seconds = Math.Min(seconds, answers.Min(answer => answer.Seconds));
            asked = [.. asked.Zip(answers, (question, answer) => (Name: answer.Alias!, question.Type)).Where(next => next.Name is not null)];
        }

        return ([.. found], seconds);
    }

    private async Task<DnsAnswer[]?> AskOnceAsync(
        InetAddress server, (byte[] Name, DnsRecordType Type)[] questions, CancellationToken cancellationToken)
    {
        using var patience = new Deadline(network.Node.Options.TimeProvider, AnswerTimeout, cancellationToken);
        try
        {
            var answers = await AskByDatagramsAsync(server, questions, patience.Token).ConfigureAwait(false);
            for (var i = 0; i < answers.Length; i++)
            {
                if (answers[i].IsTruncated)
                    answers[i] = await AskByStreamAsync(server, questions[i], patience.Token).ConfigureAwait(false);
            }

            return answers;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (LanyardSocketException)
        {
            return null;
        }
    }

    private async Task<DnsAnswer[]> AskByDatagramsAsync(
        InetAddress server, (byte[] Name, DnsRecordType Type)[] questions, CancellationToken cancellationToken)
    {
        var answers = new DnsAnswer?[questions.Length];
        var ids = new ushort[questions.Length];
        // A connected socket receives only the server's datagrams, and the ICMP errors about it.
        using var socket = network.OpenUdp();
        socket.Connect(new InetEndpoint(server, Port));
        var buffer = ArrayPool<byte>.Shared.Rent(MaxDatagramBytes);
        try
        {
            for (var i = 0; i < questions.Length; i++)
            {
                do
                    ids[i] = RandomId();
                while (Array.IndexOf(ids, ids[i], 0, i) >= 0);
                socket.Send(buffer.AsSpan(0, DnsMessage.WriteQuery(buffer, ids[i], questions[i].Name, questions[i].Type)));
            }

            while (Array.IndexOf(answers, null) >= 0)
            {
                var datagram = await socket.ReceiveFromAsync(buffer.AsMemory(0, MaxDatagramBytes), cancellationToken).ConfigureAwait(false);
                for (var i = 0; i < questions.Length; i++)
                {
                    if (answers[i] is null && DnsMessage.TryParseAnswer(
                        buffer.AsSpan(0, datagram.Length), ids[i], questions[i].Name, questions[i].Type, out var answer))
                        answers[i] = answer;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return answers!;
    }

    // Over TCP, a length precedes each message (RFC 7766 section 8).
    private async Task<DnsAnswer> AskByStreamAsync(
        InetAddress server, (byte[] Name, DnsRecordType Type) question, CancellationToken cancellationToken)
    {
        var remote = new InetEndpoint(server, Port);
        using var stream = await network.ConnectAsync(remote, cancellationToken: cancellationToken).ConfigureAwait(false);
        var buffer = ArrayPool<byte>.Shared.Rent(MaxStreamBytes);
        try
        {
            var id = RandomId();
            var length = DnsMessage.WriteQuery(buffer.AsSpan(2), id, question.Name, question.Type);
            BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)length);
            await stream.WriteAsync(buffer.AsMemory(0, length + 2), cancellationToken).ConfigureAwait(false);
            await ReadAsync(stream, buffer.AsMemory(0, 2), cancellationToken).ConfigureAwait(false);
            length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
            await ReadAsync(stream, buffer.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            return DnsMessage.TryParseAnswer(buffer.AsSpan(0, length), id, question.Name, question.Type, out var answer) && !answer!.IsTruncated
                ? answer
                : throw Unusable(remote);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        static async Task ReadAsync(LanyardStream stream, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            while (buffer.Length > 0)
            {
                var read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (read == 0)
                    throw Unusable(InetEndpoint.FromIPEndPoint(stream.RemoteEndPoint));
                buffer = buffer[read..];
            }
        }
    }

    private static LanyardSocketException Unusable(InetEndpoint server) =>
        new(NetStack.NetError.ConnectionReset, server, $"The DNS server {server} sent an invalid answer over TCP.");

    private ushort RandomId()
    {
        Span<byte> bytes = stackalloc byte[2];
        network.Node.Options.RandomNumberGenerator.GetBytes(bytes);
        return BinaryPrimitives.ReadUInt16BigEndian(bytes);
    }
}
