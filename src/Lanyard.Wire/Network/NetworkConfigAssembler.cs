using Lanyard.Wire.Verbs;

namespace Lanyard.Wire;

/// <summary>What became of a part of a configuration.</summary>
public enum NetworkConfigChunkResult
{
    /// <summary>It is good; others are missing.</summary>
    Accepted,

    /// <summary>It is good, and the configuration is complete.</summary>
    Complete,

    /// <summary>It is here already, or belongs to the edition that was completed last.</summary>
    Duplicate,

    /// <summary>
    /// It is of another network, contradicts itself or parts that came before, or does not say which edition it belongs to.
    /// </summary>
    Malformed,

    /// <summary>
    /// Its edition is longer than <see cref="NetworkLimits.ConfigLength"/> or in more than <see cref="NetworkConfigAssembler.MaxChunks"/>
    /// parts.
    /// </summary>
    TooLarge,

    /// <summary>It is not signed by the network's controller, nor in the old unsigned form from the controller itself.</summary>
    NotFromController,
}

/// <summary>
/// Joins the parts of one network's configurations, in any order and of up to three editions at a time; the edition that was heard of least recently
/// gives way. It holds parts only that the controller has signed, and of each edition at most <see cref="NetworkLimits.ConfigLength"/> bytes. Not for
/// use from several threads at once.
/// </summary>
/// <param name="network">The network.</param>
public sealed class NetworkConfigAssembler(NetworkId network)
{
    /// <summary>How many editions are put together at a time.</summary>
    public const int MaxUpdates = 3;

    /// <summary>How many parts an edition may have.</summary>
    public const int MaxChunks = (NetworkLimits.ConfigLength / 1024) + 1;

    // The most recently heard of comes last.
    private readonly List<Update> _updates = new(MaxUpdates);
    private ulong _completed;

    /// <summary>Adds a part.</summary>
    /// <param name="chunk">The part.</param>
    /// <param name="source">Who sent it: any member may pass on a signed one.</param>
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

        // The cheap questions come before the signature.
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
        // By where they begin.
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

        // Parts that do not overlap and are as long together as the whole are the whole.
        public byte[] Join()
        {
            var whole = new byte[TotalLength];
            foreach (var (index, chunk) in _chunks)
                chunk.CopyTo(whole, index);
            return whole;
        }
    }
}
