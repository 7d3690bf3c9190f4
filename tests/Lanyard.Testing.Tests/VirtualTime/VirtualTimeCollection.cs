namespace Lanyard.Testing.Tests;

/// <summary>Tests in virtual time run alone: they need the thread pool for themselves.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class VirtualTimeCollection
{
    public const string Name = "virtual time";
}
