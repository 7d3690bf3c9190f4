using System.Runtime.CompilerServices;

// Polyfills.cs defines this type for netstandard2.1, and it is part of the signature of every init accessor. A library that was compiled against the
// netstandard2.1 assembly looks for it here when it runs on .NET.
[assembly: TypeForwardedTo(typeof(IsExternalInit))]
