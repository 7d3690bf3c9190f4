using Lanyard.Wire.Verbs;

namespace Lanyard.Wire;

/// <summary>The result of adding a part of a configuration.</summary>
public enum NetworkConfigChunkResult
{
    /// <summary>The part is valid; other parts are missing.</summary>
    Accepted,

    /// <summary>The part is valid, and the configuration is complete.</summary>
    Complete,

    /// <summary>The part is a duplicate, or belongs to the edition that was completed last.</summary>
    Duplicate,

    /// <summary>
    /// The part belongs to another network, contradicts itself or earlier parts, or does not name its edition.
    /// </summary>
    Malformed,

    /// <summary>
    /// The edition is longer than <see cref="NetworkLimits.ConfigLength"/> or has more than <see cref="NetworkConfigAssembler.MaxChunks"/>
    /// parts.
    /// </summary>
    TooLarge,

    /// <summary>The part is neither signed by the network's controller, nor in the old unsigned form from the controller itself.</summary>
    NotFromController,
}

/// <summary>
/// Joins the parts of one network's configurations, in any order and of up to three editions at a time; a further edition replaces the edition with the oldest last
/// part. It stores only parts that the controller has signed, and at most <see cref="NetworkLimits.ConfigLength"/> bytes of each edition. Not
/// thread-safe.
/// </summary>
/// <param name="network">The network.</param>
public sealed class NetworkConfigAssembler(NetworkId network)
{
    /// <summary>The number of editions that are assembled at a time.</summary>
    public const int MaxUpdates = 3;

    /// <summary>The maximum number of parts of an edition.</summary>
    public const int MaxChunks = (NetworkLimits.ConfigLength / 1024) + 1;

    // The edition with the newest part is last.
    private readonly List<Update> _updates = new(MaxUpdates);
    private ulong _completed;

    /// <summary>Adds a part.</summary>
    /// <param name="chunk">The part.</param>
    /// <param name="source">The sender: any member may forward a signed part.</param>
    /// <param name="controller">The network's controller.</param>
    /// <param name="config">The configuration's dictionary, once it is complete.</param>
    public NetworkConfigChunkResult Add(in NetworkConfigMessage chunk, NodeAddress source, Identity controller, out byte[]? config)
    {
        ArgumentNullException.ThrowIfNull(controller);
        config = null;
        if (chunk.NetworkId != network || chunk.Chunk.IsEmpty)
            return NetworkConfigChunkResult.Malformed;
        if (chunk.TotalLength > NetworkLimits.ConfigLength)
            return NetworkConfigChunkResult.TooLarge;
        if (chunk.IsUnsigned)
        {
            if (source != network.Controller || source != controller.Address)
                return NetworkConfigChunkResult.NotFromController;
            config = chunk.Chunk.ToArray();
            return NetworkConfigChunkResult.Complete;
        }

        // The cheap checks come before the signature.
        var update = Find(chunk.UpdateId);
        if (chunk.UpdateId == 0 || (ulong)chunk.ChunkIndex + (uint)chunk.Chunk.Length > chunk.TotalLength
            || (update is not null && update.TotalLength != chunk.TotalLength))
            return NetworkConfigChunkResult.Malformed;
        if (chunk.UpdateId == _completed || update?.Has(chunk.ChunkIndex) == true)
            return NetworkConfigChunkResult.Duplicate;
        if (chunk.SignatureKind != NetworkConfigMessage.Ed25519 || controller.Address != network.Controller
            || !controller.Verify(chunk.Signed, chunk.Signature))
            return NetworkConfigChunkResult.NotFromController;
        update = Touch(update ?? new Update(chunk.UpdateId, (int)chunk.TotalLength));
        var result = update.Add((int)chunk.ChunkIndex, chunk.Chunk);
        if (result == NetworkConfigChunkResult.Complete)
        {
            config = update.Join();
            _completed = update.Id;
        }

        if (result != NetworkConfigChunkResult.Accepted)
            _updates.Remove(update);
        return result;
    }

    private Update? Find(ulong id)
    {
        foreach (var update in _updates)
        {
            if (update.Id == id)
                return update;
        }

        return null;
    }

    private Update Touch(Update update)
    {
        if (!_updates.Remove(update) && _updates.Count == MaxUpdates)
            _updates.RemoveAt(0);
        _updates.Add(update);
        return update;
    }

    private sealed class Update(ulong id, int totalLength)
    {
        // Sorts by offset.
        private readonly SortedList<int, byte[]> _chunks = [];
        private int _length;

        public ulong Id { get; } = id;

        public int TotalLength { get; } = totalLength;

        public bool Has(uint index) => _chunks.ContainsKey((int)index);

        public NetworkConfigChunkResult Add(int index, ReadOnlySpan<byte> chunk)
        {
            if (_chunks.Count == MaxChunks)
                return NetworkConfigChunkResult.TooLarge;
            _chunks.Add(index, chunk.ToArray());
            var at = _chunks.IndexOfKey(index);
            if ((at > 0 && _chunks.Keys[at - 1] + _chunks.Values[at - 1].Length > index)
                || (at + 1 < _chunks.Count && index + chunk.Length > _chunks.Keys[at + 1]))
                return NetworkConfigChunkResult.Malformed;
            _length += chunk.Length;
            return _length == TotalLength ? NetworkConfigChunkResult.Complete : NetworkConfigChunkResult.Accepted;
        }

        // Parts that do not overlap and have the total length together are the whole.
        public byte[] Join()
        {
            var whole = new byte[TotalLength];
            foreach (var (index, chunk) in _chunks)
                chunk.CopyTo(whole, index);
            return whole;
        }
    }
}
