using Lanyard.Wire.Verbs;

namespace Lanyard.Wire;

/// <summary>Splits a configuration into the signed parts in which it is sent.</summary>
public static class NetworkConfigSplitter
{
    /// <summary>The maximum length of a part in bytes: with the other fields of its message, it fits the longest packet.</summary>
    public const int MaxChunkLength = 9740;

    /// <summary>Returns the payloads of NETWORK_CONFIG, or of the OK to a request for it, after the common header of OK.</summary>
    /// <param name="network">The network.</param>
    /// <param name="config">The configuration, as <see cref="NetworkConfig.TryWrite"/> writes it.</param>
    /// <param name="updateId">A random number, not 0, by which members distinguish the parts of different editions.</param>
    /// <param name="controller">The network's controller, with its secret keys.</param>
    /// <param name="fastPropagate">Whether members forward the parts to others.</param>
    /// <param name="chunkLength">The maximum length of a part: 1 to <see cref="MaxChunkLength"/> bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The chunk length is out of range, the update number is 0, or the configuration is too long.
    /// </exception>
    /// <exception cref="InvalidOperationException">The controller has no secret keys.</exception>
    public static IReadOnlyList<byte[]> Split(NetworkId network, ReadOnlySpan<byte> config, ulong updateId, Identity controller,
        bool fastPropagate = false, int chunkLength = MaxChunkLength)
    {
        ArgumentNullException.ThrowIfNull(controller);
        ArgumentOutOfRangeException.ThrowIfLessThan(chunkLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(chunkLength, MaxChunkLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(updateId, 1UL);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(config.Length, NetworkLimits.ConfigLength, nameof(config));
        var payloads = new List<byte[]>((config.Length / chunkLength) + 1);
        for (var index = 0; index < config.Length; index += chunkLength)
        {
            var chunk = config.Slice(index, Math.Min(chunkLength, config.Length - index));
            var payload = new byte[chunk.Length + NetworkConfigMessage.OverheadBytes];
            var writer = new ByteWriter(payload);
            var message = new NetworkConfigMessage
            {
                NetworkId = network,
                Chunk = chunk,
                FastPropagate = fastPropagate,
                UpdateId = updateId,
                TotalLength = (uint)config.Length,
                ChunkIndex = (uint)index,
            };
            message.WriteSigned(ref writer);
            NetworkConfigMessage.WriteSignature(ref writer, controller.Sign(writer.Written));
            payloads.Add(payload);
        }

        return payloads;
    }
}
