namespace Lanyard.Wire.Verbs;

/// <summary>Hands over signed credentials of any networks: <see cref="Verb.NetworkCredentials"/>. No answer.</summary>
/// <remarks>
/// Layout: certificates of membership, 1 zero byte; 2 bytes count and capabilities; 2 count and tags; 2 count and revocations; 2 count and
/// certificates of ownership. The message may end in front of any count.
/// </remarks>
public readonly ref struct NetworkCredentialsMessage
{
    /// <summary>Certificates of membership, serialized one after the other.</summary>
    public ReadOnlySpan<byte> Certificates { get; init; }
}
